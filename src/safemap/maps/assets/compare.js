// Two layers, or two periods of one, side by side: the same outlines, the same place, the same scale.
(function (S) {
  "use strict";
  let second = null, busy = false;

  S.canCompare = () => S.has("compare") && choices().length > 1;

  // Every layer, and every period of it.
  function choices() {
    return S.data.layers.flatMap(layer => (layer.steps || [null]).map((step, k) => ({layer: layer.id, step: k})));
  }

  S.compare = function (other) {
    S.state.other = other;
    S.ui.root.classList.toggle("sm-compared", Boolean(other));
    if (other && !second) build();
    S.ui.beside.hidden = !other;
    S.map.invalidateSize({animate: false});
    if (!S.moved) S.fit();
    if (other) follow(S.map, second.map);
    S.redraw();
  };

  // What is beside what is shown at first: the stop before it, else the next layer.
  S.toggleCompare = function () {
    if (S.state.other) { S.compare(null); return; }
    const all = choices(), now = all.findIndex(c => c.layer === S.state.layer && c.step === S.layer().step);
    const near = all[now + 1] && all[now + 1].layer === S.state.layer ? now + 1 : now > 0 && all[now - 1].layer === S.state.layer ? now - 1 : now + 1;
    S.compare(all[near] || all[0]);
  };

  S.addBeside = function (main) {
    const ui = S.ui, box = ui.beside = S.el("div", "sm-beside"), head = S.el("div", "sm-beside-head");
    const label = S.el("label", "sm-hidden"), select = S.el("select", "sm-button");
    label.htmlFor = select.id = "sm-other";
    const close = S.button("sm-button sm-beside-close", "×", () => { S.compare(null); S.ui.compareButton.focus(); });
    select.addEventListener("change", () => {
      const [layer, step] = JSON.parse(select.value);
      S.compare({layer: layer, step: step});
    });
    ui.besideMap = S.el("div", "sm-second");
    ui.caption = S.name("div", "sm-caption");
    head.append(label, select, close);
    box.append(ui.besideMap, head);
    box.hidden = true;
    main.append(box, ui.caption);
    Object.assign(ui, {other: select, otherLabel: label, otherClose: close});
  };

  function build() {
    const first = S.map, map = L.map(S.ui.besideMap, {
      zoomControl: false, attributionControl: false, keyboard: false, fadeAnimation: false, zoomAnimation: first.options.zoomAnimation,
      zoomSnap: .25, zoomDelta: .5, wheelPxPerZoomLevel: 110, minZoom: first.options.minZoom, maxZoom: first.options.maxZoom,
    }).setView(first.getCenter(), first.getZoom(), {animate: false});
    if (!first._zoomAnimated) map._zoomAnimated = false;
    S.ui.besideMap.setAttribute("role", "img");
    S.ui.besideMap.removeAttribute("tabindex");
    second = S.addView(map, () => S.other() || S.layer());
    first.on("move zoom", () => follow(first, map));
    map.on("move zoom", () => follow(map, first));
    map.on("moveend zoomend", () => { second.repaintLines(); S.labelView(second); });
    S.ui.besideMap.addEventListener("pointerdown", () => { S.moved = true; }, {passive: true});
    S.ui.besideMap.addEventListener("wheel", () => { S.moved = true; }, {passive: true});
    new ResizeObserver(() => map.invalidateSize({animate: false})).observe(S.ui.besideMap);
  }

  function follow(from, to) {
    if (busy || !S.state.other) return;
    busy = true;
    to.setView(from.getCenter(), from.getZoom(), {animate: false});
    busy = false;
  }

  S.drawCompare = function () {
    const ui = S.ui, other = S.other();
    ui.caption.hidden = !other;
    if (ui.compareButton) {
      ui.compareButton.textContent = S.t("compare");
      ui.compareButton.setAttribute("aria-pressed", String(Boolean(other)));
    }
    if (!other) return;
    ui.caption.textContent = S.caption(S.layer());
    ui.otherLabel.textContent = S.t("compare_with");
    ui.otherClose.setAttribute("aria-label", S.t("close"));
    ui.other.replaceChildren(...choices().map(c => {
      const option = S.name("option", "", S.caption(S.at(c.layer, c.step)));
      option.value = JSON.stringify([c.layer, c.step]);
      option.selected = c.layer === other.id && c.step === other.step;
      return option;
    }));
    ui.besideMap.setAttribute("aria-label", S.caption(other));
  };

  S.sameClasses = (a, b) => Boolean(a && b) && !a.bands && !b.bands
    && JSON.stringify([a.classes, a.unit]) === JSON.stringify([b.classes, b.unit]);
})(window.safemap);
