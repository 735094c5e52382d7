// One card for hover, keyboard and pin: name, class, figure, interval, base, one plain sentence.
(function (S) {
  "use strict";

  S.fillCard = function (card, i, pinned) {
    const [layer, other] = S.shown();
    card.replaceChildren(S.name("h2", "", S.areaName(i)));
    if (pinned) {
      const close = S.button("sm-close", "×", S.unpin);
      close.setAttribute("aria-label", S.t("close"));
      card.append(close);
    }
    if (other) [layer, other].forEach(l => brief(card, l, i));
    else whole(card, layer, i);
  };

  function whole(card, layer, i) {
    const c = S.classOf(layer, i);
    if (!c) {
      card.append(S.el("p", "", S.t(layer.says[0])));
      return;
    }
    card.append(kind(S.swatch(c, 22, 14), c.l));
    S.overlaysOf(layer, i).forEach(o => card.append(kind(S.swatch(c, 22, 14, o.k), o.l)));
    if (S.figure(layer, i) !== null && S.open(c)) figure(card, layer, i, Boolean(c.s));
    const base = S.baseLine(layer, i);
    if (base && S.open(c)) card.append(S.el("div", "sm-base", base));
    card.append(S.el("p", "", S.t(layer.says[layer.say[i]], layer.slots)));
  }

  // Of two layers side by side: what each shows, in three lines.
  function brief(card, layer, i) {
    const c = S.classOf(layer, i);
    card.append(S.name("div", "sm-which", S.caption(layer)));
    if (!c) {
      card.append(S.el("p", "", S.t(layer.says[0])));
      return;
    }
    card.append(kind(S.swatch(c, 22, 14), c.l));
    S.overlaysOf(layer, i).forEach(o => card.append(kind(S.swatch(c, 22, 14, o.k), o.l)));
    if (!S.open(c)) return;
    const text = S.figure(layer, i), base = S.baseLine(layer, i);
    if (text !== null) card.append(S.el("div", "sm-figure soft", text));
    if (base) card.append(S.el("div", "sm-base", base));
  }

  function kind(swatch, label) {
    const line = S.el("div", "sm-class");
    line.append(swatch, S.el("span", "", S.message(label)));
    return line;
  }

  function figure(card, layer, i, soft) {
    const big = S.el("div", "sm-figure" + (soft ? " soft" : ""), S.figure(layer, i));
    big.append(S.el("small", "", S.message(layer.unit)));
    card.append(big);
    if (layer.low && layer.low[i] !== null) card.append(intervalBar(layer, i));
  }

  // Whole figures from three digits on: three significant figures at most.
  S.places = (layer, value) => Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? Math.min(1, layer.d) : layer.d;
  const bare = (layer, value) => S.number(value, value === 0 ? 0 : S.places(layer, value));
  S.rate = (layer, value) => layer.signed ? S.signed(value) : layer.share ? S.percent(value / 100, value === 0 ? 0 : S.places(layer, value)) : bare(layer, value);

  // Answers of people who were not drawn by chance are counts, whatever colour they have; from nothing, a change
  // has no percentage.
  S.figure = function (layer, i) {
    if (layer.x && layer.x[i] !== null) return S.t("x_of_n", {x: S.number(layer.x[i]), n: S.number(layer.n[i])});
    if (layer.value && layer.value[i] !== null) return S.rate(layer, layer.value[i]);
    return layer.signed && layer.before && layer.before[i] !== null ? S.fromTo(layer, i) : null;
  };
  S.fromTo = (layer, i) => S.number(layer.before[i]) + " → " + S.number(layer.after[i]);

  S.interval = function (layer, i) {
    if (!layer.low || layer.low[i] === null) return null;
    if (!layer.signed) return bare(layer, layer.low[i]) + "–" + S.rate(layer, layer.high[i]);
    const low = S.rate(layer, layer.low[i]);
    return layer.high[i] === null ? S.t("or_more", {a: low}) : low + " … " + S.rate(layer, layer.high[i]);
  };

  S.pValue = (layer, i) => !layer.p || layer.p[i] === null ? null
    : layer.p[i] < .001 ? S.t("p_below", {a: S.number(.001, 3)}) : S.number(layer.p[i], 3);

  S.baseLine = function (layer, i) {
    const parts = [], people = S.data.population && S.data.population[i], interval = S.interval(layer, i);
    if (interval) parts.push(S.t("interval", {a: S.percent(layer.conf, 0)}) + " " + interval);
    if (S.pValue(layer, i) !== null) parts.push(S.t(layer.adjusted ? "p_adjusted" : "p_plain", {a: S.pValue(layer, i)}));
    const records = layer.base === "records";
    if (layer.before && layer.before[i] !== null) parts.push(S.fromTo(layer, i) + " " + S.counted("cases", 5));
    if (layer.n && layer.n[i] !== null && !layer.x) {
      parts.push(records ? "n = " + S.number(layer.n[i]) : S.number(layer.n[i]) + " " + S.counted("answers", layer.n[i]));
    }
    if (layer.n_eff && layer.n_eff[i] !== null) parts.push(S.t("n_eff", {a: S.number(layer.n_eff[i])}));
    if (records && people !== null && people !== undefined && people !== false) {
      parts.push(S.number(people) + " " + S.counted("residents", people));
    }
    if (layer.period) parts.push(layer.period);
    return parts.join(" · ");
  };

  function intervalBar(layer, i) {
    const width = 266, low = layer.low[i], value = layer.value[i], least = layer.signed ? -100 : 0;
    const end = Math.max(layer.top, (layer.high[i] === null ? 0 : layer.high[i]) * 1.04, layer.mean || 0);
    const high = layer.high[i] === null ? end : layer.high[i];
    const x = v => 6 + (v - least) / (end - least) * (width - 12);
    const bar = S.svg("svg", {width: width, height: 42, role: "img", "aria-label": S.interval(layer, i), class: "sm-interval"});
    bar.append(
      S.svg("line", {x1: 6, y1: 19, x2: width - 6, y2: 19, stroke: "#B9B3A7"}),
      S.svg("rect", {x: x(low), y: 14, width: Math.max(2, x(high) - x(low)), height: 10, fill: "#B9B3A7"}));
    if (layer.mean !== null) {
      bar.append(S.svg("line", {x1: x(layer.mean), y1: 7, x2: x(layer.mean), y2: 29, stroke: "#0B5CAD", "stroke-width": 1.6}));
    }
    if (value !== null) bar.append(S.svg("circle", {cx: x(value), cy: 19, r: 4.6, fill: "#1F2328", stroke: "#fff", "stroke-width": 1.2}));
    bar.append(
      S.svg("text", {x: 6, y: 40}, layer.signed ? S.signed(least) : "0"),
      S.svg("text", {x: width - 6, y: 40, "text-anchor": "end"}, layer.signed ? S.signed(Math.round(end)) : S.number(end, Number.isInteger(end) ? 0 : S.places(layer, end))));
    if (layer.mean !== null) {
      const text = S.t(layer.ref) + (layer.signed ? "" : " " + S.rate(layer, layer.mean));
      const half = text.length * 3, left = layer.signed ? 50 : 18; // room that the word and the figures at the ends take
      const at = Math.max(left + half, Math.min(width - 46 - half, x(layer.mean)));
      bar.append(S.svg("text", {x: at, y: 40, "text-anchor": "middle", class: "ref"}, text));
    }
    return bar;
  }

  S.hover = function (i, at, byKey, view) {
    const card = S.ui.tip;
    S.state.current = i;
    S.mark();
    const touch = S.touch || S.phone.matches;
    if (S.hides("tooltip") || i === null || i === S.state.pinned || (touch && !byKey)) {
      card.hidden = true;
      return;
    }
    if (card.hidden || card.dataset.area !== String(i)) S.fillCard(card, i, false);
    card.dataset.area = i;
    card.hidden = false;
    const size = S.ui.main.getBoundingClientRect(), w = card.offsetWidth, h = card.offsetHeight;
    if (view && view !== S.views[0]) at = at.add([S.ui.beside.offsetLeft, S.ui.beside.offsetTop]);
    const pinned = S.ui.card.hidden ? size.width - 8 : S.ui.card.offsetLeft - 8;
    const x = at.x + 18 + w > pinned ? at.x - w - 18 : at.x + 18;
    const y = at.y + 18 + h > size.height - 8 ? at.y - h - 18 : at.y + 18;
    card.style.left = Math.max(8, x) + "px";
    card.style.top = Math.max(8, y) + "px";
  };

  S.pin = function (i, go) {
    S.state.pinned = i;
    S.mark();
    S.ui.tip.hidden = true;
    S.fillCard(S.ui.card, i, true);
    S.ui.card.hidden = S.hides("popup");
    const spot = S.spots[i];
    if (go) S.map.setView(spot, Math.max(S.map.getZoom(), Math.min(14, roomy(i))), {animate: false});
    if (S.phone.matches) {
      if (!go) S.map.panTo(spot, {animate: false});
      return;
    }
    if (S.state.other) S.map.panInside(spot, {padding: [40, 60], animate: false});
    else clear(S.map.latLngToContainerPoint(spot), S.ui.card);
  };

  // The zoom at which an area takes about a third of the map.
  function roomy(i) {
    const zoom = S.map.getBoundsZoom(L.latLngBounds(S.shapes[i].flat(2))) - 1.5;
    return isFinite(zoom) ? Math.min(zoom, S.map.getMaxZoom()) : S.map.getZoom();
  }

  // A card must not lie on the area it is about: move the map until the area is beside it.
  function clear(at, card) {
    const left = card.offsetLeft - 40, bottom = card.offsetTop + card.offsetHeight + 20;
    if (at.x > left && at.y < bottom) S.map.panBy([at.x - left, 0], {animate: false});
  }

  S.unpin = function () {
    S.state.pinned = null;
    S.mark();
    S.ui.card.hidden = true;
    S.map.getContainer().focus({preventScroll: true});
  };

  S.say = function (i) {
    const spoken = S.el("div");
    S.fillCard(spoken, i, false);
    S.ui.live.textContent = Array.from(spoken.children, x => x.tagName === "svg" ? "" : x.textContent)
      .filter(Boolean).join(". ");
  };
})(window.safemap);
