// Textures of states and overlays, the same on SVG and on canvas, and the swatches of the legend.
(function (S) {
  "use strict";
  const tiles = new Map(), FINE = 4;

  S.fillOf = c => c.c || S.fillWith(c.s);
  S.fillWith = key => "url(#sm-" + key + ")";

  S.texture = function (key) {
    const state = S.data.states[key];
    const tile = S.svg("pattern", {
      id: "sm-" + key, width: state.w, height: state.w, patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(" + state.r + ")",
    });
    if (state.g !== "none") tile.append(S.svg("rect", {width: state.w, height: state.w, fill: state.g}));
    state.m.forEach(m => tile.append(m[0] === "line"
      ? S.svg("line", {x1: m[1], y1: m[2], x2: m[3], y2: m[4], stroke: m[5], "stroke-width": m[6]})
      : S.svg("circle", {cx: m[1], cy: m[2], r: m[3], fill: m[4], stroke: m[5] || "none", "stroke-width": 1})));
    return tile;
  };

  // Textures stand once in the page; every swatch and area refers to them.
  S.addTextures = function (root) {
    const holder = S.svg("svg", {width: 0, height: 0, "aria-hidden": "true", class: "sm-textures"});
    const defs = S.svg("defs", {});
    Object.keys(S.data.states).forEach(key => defs.append(S.texture(key)));
    holder.append(defs);
    root.append(holder);
  };

  // The same tile for a canvas, drawn finer than the screen so that it stays sharp.
  S.tile = function (key) {
    if (tiles.has(key)) return tiles.get(key);
    const state = S.data.states[key], box = document.createElement("canvas"), pen = box.getContext("2d");
    box.width = box.height = state.w * FINE;
    pen.scale(FINE, FINE);
    if (state.g !== "none") { pen.fillStyle = state.g; pen.fillRect(0, 0, state.w, state.w); }
    state.m.forEach(m => {
      pen.beginPath();
      if (m[0] === "line") {
        pen.moveTo(m[1], m[2]);
        pen.lineTo(m[3], m[4]);
        pen.strokeStyle = m[5];
        pen.lineWidth = m[6];
        pen.stroke();
        return;
      }
      pen.arc(m[1], m[2], m[3], 0, 2 * Math.PI);
      if (m[4] !== "none") { pen.fillStyle = m[4]; pen.fill(); }
      if (m[5]) { pen.strokeStyle = m[5]; pen.lineWidth = 1; pen.stroke(); }
    });
    const pattern = pen.createPattern(box, "repeat");
    pattern.setTransform(new DOMMatrix().rotate(state.r).scale(1 / FINE));
    tiles.set(key, pattern);
    return pattern;
  };

  S.swatch = function (c, width, height, over) {
    const box = S.svg("svg", {width: width, height: height, "aria-hidden": "true", class: "sm-swatch"});
    box.append(S.svg("rect", {
      x: .5, y: .5, width: width - 1, height: height - 1, fill: S.fillOf(c), stroke: "#77736B", "stroke-width": 1,
    }));
    if (over) box.append(S.svg("rect", {x: 1, y: 1, width: width - 2, height: height - 2, fill: S.fillWith(over)}));
    return box;
  };
})(window.safemap);
