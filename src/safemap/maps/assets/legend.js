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

  // One legend where two layers have the same classes, with two columns of numbers; else one for each.
  S.drawLegend = function () {
    const box = S.ui.legend, [layer, other] = S.shown(), shared = S.sameClasses(layer, other);
    box.replaceChildren();
    legend(box, layer, shared ? other : null, 0);
    if (other && !shared) {
      box.append(S.el("div", "sm-rule"));
      legend(box, other, null, 1);
    }
    if (other) box.append(S.el("p", "sm-note", S.message(other.finding)));
    drawContextKey(box);
  };

  function legend(box, layer, other, at) {
    const counted = l => l.bands ? l.km2 : S.counts(l), counts = counted(layer), beside = other && counted(other), most = Math.max(...counts);
    const views = other ? S.views : [S.views[at]], head = S.name("h2", "sm-title", S.shown().length > 1 && !other ? S.caption(layer) : S.layerName(layer));
    box.append(head, S.el("div", "sm-unit", S.message(layer.unit)));
    if (other) {
      const line = S.el("div", "sm-pair");
      line.append(S.name("span", "", S.stepName(layer) || S.layerName(layer)), S.name("span", "", S.stepName(other) || S.layerName(other)));
      box.append(line);
    }
    let rows = S.el("div", "sm-rows"), inStates = false;
    box.append(rows);
    layer.classes.forEach((c, i) => {
      if (c.s && !inStates) {
        rows = S.el("div", "sm-rows");
        box.append(S.el("div", "sm-rule"), rows);
        inStates = true;
      }
      rows.append(row(layer, c, counts[i], most, views, beside ? beside[i] : null));
    });
    const total = S.el("div", "sm-total");
    const sum = layer.bands ? S.km2(counts.reduce((a, b) => a + b, 0)) + " " + S.t("km2") : S.number(S.size);
    total.append(S.el("span", "", S.t(layer.bands ? "ground" : "n_areas")), S.el("span", "", S.t("total") + " " + sum));
    box.append(total);
    layer.overlays.forEach(o => box.append(overlayKey(o)));
  }

  S.km2 = value => S.number(value, value && value < 10 ? 1 : 0);

  // What lies over the classes is counted after the total, for it is counted there already.
  function overlayKey(o) {
    const item = S.el("div", "sm-over");
    item.dataset.k = o.k;
    item.dataset.count = o.n;
    item.append(S.swatch(o, 26, 16, o.k), S.el("span", "", S.message(o.l)), S.el("span", "sm-count", o.g ? S.km2(o.n) : S.number(o.n)));
    return item;
  }

  function row(layer, c, count, most, views, beside) {
    const pressed = views[0].filter === c.k, write = n => layer.bands ? S.km2(n) : S.number(n);
    const button = S.button("sm-row", null, () => {
      views.forEach(view => { view.filter = pressed ? null : c.k; });
      S.paint();
      S.label();
      S.drawLegend();
      const again = S.ui.legend.querySelector('[data-k="' + CSS.escape(c.k) + '"][data-v="' + button.dataset.v + '"]');
      if (again) again.focus();
    });
    button.dataset.k = c.k;
    button.dataset.v = S.views.indexOf(views[0]);
    button.dataset.count = count;
    button.setAttribute("aria-pressed", pressed);
    button.disabled = count === 0 && !beside;
    button.append(S.swatch(c, 26, 16), S.el("span", "", S.message(c.l)));
    if (beside === null) {
      const bar = S.el("span", "sm-bar"), track = S.el("span", "sm-track");
      bar.style.width = Math.round(44 * count / Math.max(1, most)) + "px";
      track.append(bar);
      button.append(track, S.el("span", "sm-count", write(count)));
    } else {
      button.dataset.beside = beside;
      button.append(S.el("span", "sm-count", write(count)), S.el("span", "sm-count", write(beside)));
    }
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
