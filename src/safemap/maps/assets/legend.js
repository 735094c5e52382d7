// The choice of layers, the legend bound to it, and the finding in the header.
(function (S) {
  "use strict";

  S.drawChoice = function () {
    const box = S.ui.choice;
    box.replaceChildren(S.el("legend", "sm-small", S.t("show")));
    const options = S.el("div", "sm-options");
    S.data.layers.forEach(layer => {
      const label = S.el("label", "sm-option"), radio = S.el("input");
      radio.type = "radio";
      radio.name = "sm-layer";
      radio.value = layer.id;
      radio.checked = layer.id === S.state.layer;
      radio.addEventListener("change", () => S.show(layer.id));
      label.append(radio, S.name("span", "", S.layerName(layer)));
      options.append(label);
    });
    box.append(options);
  };

  S.counts = function (layer) {
    const counts = layer.classes.map(() => 0);
    layer.codes.forEach(code => { counts[code]++; });
    return counts;
  };

  S.drawLegend = function () {
    const layer = S.layer(), counts = layer.bands ? layer.km2 : S.counts(layer), most = Math.max(...counts), box = S.ui.legend;
    box.replaceChildren(S.name("h2", "sm-title", S.layerName(layer)), S.el("div", "sm-unit", S.message(layer.unit)));
    let rows = S.el("div", "sm-rows"), inStates = false;
    box.append(rows);
    layer.classes.forEach((c, i) => {
      if (c.s && !inStates) {
        rows = S.el("div", "sm-rows");
        box.append(S.el("div", "sm-rule"), rows);
        inStates = true;
      }
      rows.append(row(c, counts[i], most));
    });
    const total = S.el("div", "sm-total");
    const sum = layer.bands ? S.km2(counts.reduce((a, b) => a + b, 0)) + " " + S.t("km2") : S.number(S.size);
    total.append(S.el("span", "", S.t(layer.bands ? "ground" : "n_areas")), S.el("span", "", S.t("total") + " " + sum));
    box.append(total);
    layer.overlays.forEach(o => box.append(overlayKey(o)));
    drawContextKey(box);
  };

  S.km2 = value => S.number(value, value && value < 10 ? 1 : 0);

  // What lies over the classes is counted after the total, for it is counted there already.
  function overlayKey(o) {
    const item = S.el("div", "sm-over");
    item.dataset.k = o.k;
    item.dataset.count = o.n;
    item.append(S.swatch(o, 26, 16, o.k), S.el("span", "", S.message(o.l)), S.el("span", "sm-count", o.g ? S.km2(o.n) : S.number(o.n)));
    return item;
  }

  function row(c, count, most) {
    const pressed = S.state.filter === c.k;
    const button = S.button("sm-row", null, () => {
      S.state.filter = pressed ? null : c.k;
      S.paint();
      S.label();
      S.drawLegend();
      const again = S.ui.legend.querySelector('[data-k="' + CSS.escape(c.k) + '"]');
      if (again) again.focus();
    });
    button.dataset.k = c.k;
    button.dataset.count = count;
    button.setAttribute("aria-pressed", pressed);
    button.disabled = count === 0;
    const bar = S.el("span", "sm-bar");
    bar.style.width = Math.round(44 * count / Math.max(1, most)) + "px";
    const track = S.el("span", "sm-track");
    track.append(bar);
    button.append(S.swatch(c, 26, 16), S.el("span", "", S.message(c.l)), track, S.el("span", "sm-count", S.layer().bands ? S.km2(count) : S.number(count)));
    return button;
  }

  function drawContextKey(box) {
    const named = S.data.context.filter(layer => layer.name);
    if (!named.length) return;
    box.append(S.el("div", "sm-rule"));
    named.forEach(layer => {
      const item = S.el("div", "sm-key"), sign = S.svg("svg", {width: 26, height: 16, "aria-hidden": "true"});
      if (layer.polygons.length) {
        sign.append(S.svg("rect", {x: .5, y: .5, width: 25, height: 15, fill: "#E7E3DB", stroke: "#77736B"}));
      } else if (layer.lines.length) {
        sign.append(S.svg("path", {d: "M1 12L10 5l6 5 9-6", fill: "none", stroke: "#5C574E", "stroke-width": 1.6}));
      } else {
        sign.append(S.svg("circle", {cx: 13, cy: 8, r: 3.2, fill: "#fff", stroke: "#1F2328", "stroke-width": 1.4}));
      }
      item.append(sign, S.name("span", "", layer.name));
      box.append(item);
    });
  }

  S.drawHeader = function () {
    const layer = S.layer(), ui = S.ui;
    ui.title.textContent = S.heading(layer);
    document.title = ui.title.textContent;
    document.documentElement.lang = S.state.language;
    ui.finding.textContent = S.message(layer.finding);
    ui.meta.replaceChildren();
    const parts = [];
    if (layer.period) parts.push([layer.period, ""]);
    if (layer.total !== null) parts.push([S.number(layer.total), S.counted(layer.base === "records" ? "cases" : "answers", layer.total)]);
    parts.push([S.number(S.size), S.counted("areas", S.size)]);
    parts.forEach((part, i) => {
      if (i) ui.meta.append(" · ");
      ui.meta.append(S.el("b", "", part[0]));
      if (part[1]) ui.meta.append(" " + part[1]);
    });
  };
})(window.safemap);
