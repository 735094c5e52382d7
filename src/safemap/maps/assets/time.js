// The slider of a layer of several periods: the first stop is all of them together, where there is one.
(function (S) {
  "use strict";

  S.stepName = layer => layer.label ? (layer.label.t !== undefined ? S.own(layer.label) : S.message(layer.label)) : "";
  // What is shown, in a few words: the layer and its period.
  S.caption = layer => S.layerName(layer) + (layer.label ? ", " + S.stepName(layer) : layer.period ? ", " + layer.period : "");

  S.drawSlider = function () {
    const box = S.ui.slider, layer = S.layer(), any = S.data.layers.some(l => l.steps);
    box.hidden = !any;
    if (!any) return;
    if (!layer.steps) {
      box.replaceChildren(S.el("p", "sm-note", S.t("one_period")));
      return;
    }
    const names = layer.steps.map((step, k) => S.stepName(S.at(layer.id, k))), many = names.length > 8;
    let input = box.querySelector("input");
    if (!input || Number(input.max) !== names.length - 1) {
      const label = S.el("label", "sm-small"), ticks = S.el("div", "sm-ticks");
      input = S.el("input");
      input.type = "range";
      input.id = label.htmlFor = "sm-period";
      input.min = 0;
      input.max = names.length - 1;
      input.step = 1;
      input.addEventListener("input", () => S.go(Number(input.value)));
      ticks.setAttribute("aria-hidden", "true");
      box.replaceChildren(label, input, ticks);
    }
    const label = box.querySelector("label"), ticks = box.querySelector(".sm-ticks");
    input.value = layer.step;
    input.setAttribute("aria-valuetext", names[layer.step]);
    label.replaceChildren(S.t("period") + ": ", S.name("b", "", names[layer.step]));
    ticks.replaceChildren(...names.map((name, k) => {
      const shown = !many || k === 0 || k === names.length - 1 || k === layer.step;
      const tick = S.name("span", k === layer.step ? "now" : "", shown ? name : "");
      tick.addEventListener("click", () => S.go(k));
      return tick;
    }));
  };

  S.go = function (step) {
    if (step === S.state.step) return;
    S.state.step = step;
    S.redraw();
  };

  // A layer that has the period shown now stays at it; another one begins at its first stop.
  S.stepFor = function (id) {
    const layer = S.layers[id], now = S.stepName(S.layer());
    if (!layer.steps) return S.state.step;
    const found = layer.steps.findIndex((step, k) => S.stepName(S.at(id, k)) === now);
    return found < 0 ? Math.min(S.state.step, layer.steps.length - 1) : found;
  };
})(window.safemap);
