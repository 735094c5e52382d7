// Areas on the map: panes, fills, textures, outlines of the hovered and the pinned area.
(function (S) {
  "use strict";
  const PANES = {context: 250, grid: 300, bands: 360, areas: 380, over: 385, lines: 390, mark: 450, names: 620};
  const renderers = {};
  let polygons = [], marks = [], bands = [], overlays = [], banded = null;

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

  S.swatch = function (c, width, height, over) {
    const box = S.svg("svg", {width: width, height: height, "aria-hidden": "true", class: "sm-swatch"});
    box.append(S.svg("rect", {
      x: .5, y: .5, width: width - 1, height: height - 1, fill: S.fillOf(c), stroke: "#77736B", "stroke-width": 1,
    }));
    if (over) box.append(S.svg("rect", {x: 1, y: 1, width: width - 2, height: height - 2, fill: S.fillWith(over)}));
    return box;
  };

  function line(weight, colour) {
    return L.polygon([], {
      pane: "sm-mark", renderer: renderers.mark, interactive: false, fill: false, color: colour, weight: weight,
      lineJoin: "round",
    }).addTo(S.map);
  }

  S.drawAreas = function () {
    for (const name in PANES) {
      const pane = S.map.createPane("sm-" + name);
      pane.style.zIndex = PANES[name];
      if (name !== "areas") pane.style.pointerEvents = "none";
      if (name !== "names") renderers[name] = L.svg({pane: "sm-" + name, padding: .4});
    }
    S.renderers = renderers;
    drawContext();
    polygons = S.shapes.map((shape, i) => {
      const polygon = L.polygon(shape, {
        pane: "sm-areas", renderer: renderers.areas, fillOpacity: 1, lineJoin: "round", className: "sm-area",
      });
      polygon.on("mouseover mousemove", e => S.hover(i, e.containerPoint));
      polygon.on("mouseout", () => S.hover(null));
      polygon.on("click", e => { L.DomEvent.stopPropagation(e); S.pin(i); });
      return polygon.addTo(S.map);
    });
    S.study = L.polygon(S.shape(S.data.geometry.study), {
      pane: "sm-lines", renderer: renderers.lines, interactive: false, fill: false, color: "#3A3D42", weight: 1.6,
    }).addTo(S.map);
    marks = [line(5, "#fff"), line(2.5, "#1F2328"), line(4, "#fff"), line(2, "#0B5CAD")];
  };

  function drawContext() {
    S.data.context.forEach(layer => {
      layer.polygons.forEach(p => L.polygon(S.shape(p[0]), {
        pane: "sm-context", renderer: renderers.context, interactive: false, fillColor: "#E7E3DB", fillOpacity: 1,
        color: "#fff", weight: 1.5, className: "sm-context",
      }).addTo(S.map));
      layer.lines.forEach(l => {
        const path = S.path(l[0]);
        L.polyline(path, {
          pane: "sm-context", renderer: renderers.context, interactive: false, color: "#BDB5A6", weight: 2.6,
          className: "sm-context",
        }).addTo(S.map);
        [["#fff", 2.6, .6], ["#1F2328", 1.1, .75]].forEach(look => L.polyline(path, {
          pane: "sm-lines", renderer: renderers.lines, interactive: false, color: look[0], weight: look[1],
          opacity: look[2],
        }).addTo(S.map));
      });
      layer.points.forEach(p => L.circleMarker(S.point(p[0], p[1]), {
        pane: "sm-lines", renderer: renderers.lines, interactive: false, radius: 3.2, color: "#1F2328", weight: 1.4,
        fillColor: "#fff", fillOpacity: 1, className: "sm-context",
      }).addTo(S.map));
    });
  }

  const width = () => { const z = S.map.getZoom(); return z < 12.5 ? .7 : z < 14 ? 1 : 1.5; };

  S.paint = function () {
    const layer = S.layer(), filter = S.state.filter, whole = S.tiles ? .85 : 1;
    polygons.forEach((polygon, i) => {
      const c = S.classOf(layer, i), dim = c && filter !== null && filter !== c.k;
      polygon.setStyle(c
        ? {fillColor: S.fillOf(c), fillOpacity: dim ? .13 : whole, color: c.s ? "#B5AEA1" : layer.line, weight: width(), opacity: 1}
        : {fillColor: "#fff", fillOpacity: 0, color: layer.line, weight: .6, opacity: .55});
      polygon.getElement().dataset.k = c ? c.k : "";
    });
    drawBands(layer, filter, whole);
    drawOverlays(layer, filter);
    S.study.bringToFront();
  };

  // Bands lie under the areas, which stay to be pointed at; their own line closes the seams between them.
  function drawBands(layer, filter, whole) {
    if (banded !== layer) {
      bands.forEach(b => b.remove());
      bands = (layer.bands || []).map(shape => L.polygon(S.shape(shape), {
        pane: "sm-bands", renderer: renderers.bands, interactive: false, weight: .7, className: "sm-band",
      }).addTo(S.map));
      banded = layer;
    }
    bands.forEach((band, i) => {
      const c = layer.classes[i], opacity = filter !== null && filter !== c.k ? .13 : whole;
      band.setStyle({fillColor: c.c, fillOpacity: opacity, color: c.c, opacity: opacity === 1 ? 1 : 0});
      band.getElement().dataset.k = c.k;
    });
  }

  // A texture over areas of a class, or over a shape of its own; it goes where its class is dimmed.
  function drawOverlays(layer, filter) {
    overlays.forEach(o => o.remove());
    overlays = layer.overlays.map(o => {
      const seen = o.a && o.a.filter(i => filter === null || S.classOf(layer, i).k === filter);
      const shape = o.a ? seen.flatMap(i => S.shapes[i]) : filter === null ? S.shape(o.g) : [];
      const drawn = L.polygon(shape, {
        pane: "sm-over", renderer: renderers.over, interactive: false, stroke: false, fillColor: S.fillWith(o.k),
        fillOpacity: 1, className: "sm-overlay",
      }).addTo(S.map);
      drawn.getElement().dataset.k = o.k;
      drawn.getElement().dataset.areas = o.a ? seen.length : "";
      return drawn;
    });
  }

  S.repaintLines = function () {
    if (!S.layer().bands) polygons.forEach(p => p.setStyle({weight: width()}));
  };

  S.mark = function () {
    const pinned = S.state.pinned === null ? [] : S.shapes[S.state.pinned];
    const current = S.state.current === null || S.state.current === S.state.pinned ? [] : S.shapes[S.state.current];
    marks.forEach((m, i) => m.setLatLngs(i < 2 ? pinned : current));
  };

  S.drawn = () => polygons.length;
})(window.safemap);
