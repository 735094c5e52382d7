// One map of one layer: panes, fills, textures, outlines of the hovered and the pinned area. Two of them, when two
// layers are compared, draw the same outlines.
(function (S) {
  "use strict";
  const PANES = {context: 250, grid: 300, bands: 360, areas: 380, over: 385, lines: 390, mark: 450, names: 620};
  S.views = [];

  // `shown` gives the layer the map shows at the moment. On canvas, for thousands of areas, textures are patterns.
  S.addView = function (map, shown) {
    const renderers = {}, view = {map: map, shown: shown, filter: null}, canvas = S.data.geometry.canvas;
    const fill = c => c.c || (canvas ? S.tile(c.s) : S.fillWith(c.s));
    let polygons = [], marks = [], bands = [], overlays = [], banded = null;

    for (const name in PANES) {
      const pane = map.createPane("sm-" + name);
      pane.style.zIndex = PANES[name];
      if (name !== "areas") pane.style.pointerEvents = "none";
      const many = canvas && (name === "areas" || name === "over");
      if (name !== "names") renderers[name] = many ? L.canvas({pane: "sm-" + name, padding: .2}) : L.svg({pane: "sm-" + name, padding: .4});
    }
    view.renderers = renderers;
    view.grid = L.layerGroup().addTo(map);
    drawContext();
    polygons = S.shapes.map((shape, i) => {
      const polygon = L.polygon(shape, {
        pane: "sm-areas", renderer: renderers.areas, fillOpacity: 1, lineJoin: "round", className: "sm-area",
      });
      polygon.on("mouseover mousemove", e => S.hover(i, e.containerPoint, false, view));
      polygon.on("mouseout", () => S.hover(null));
      polygon.on("click", e => { L.DomEvent.stopPropagation(e); S.pin(i); });
      return polygon.addTo(map);
    });
    const study = L.polygon(S.shape(S.data.geometry.study), {
      pane: "sm-lines", renderer: renderers.lines, interactive: false, fill: false, color: "#3A3D42", weight: 1.6,
    }).addTo(map);
    marks = [line(5, "#fff"), line(2.5, "#1F2328"), line(4, "#fff"), line(2, "#0B5CAD")];

    function line(weight, colour) {
      return L.polygon([], {
        pane: "sm-mark", renderer: renderers.mark, interactive: false, fill: false, color: colour, weight: weight,
        lineJoin: "round",
      }).addTo(map);
    }

    function drawContext() {
      const still = {interactive: false, className: "sm-context"};
      S.data.context.forEach(layer => {
        layer.polygons.forEach(p => L.polygon(S.shape(p[0]), Object.assign({
          pane: "sm-context", renderer: renderers.context, fillColor: "#E7E3DB", fillOpacity: 1, color: "#fff", weight: 1.5,
        }, still)).addTo(map));
        layer.lines.forEach(l => {
          const path = S.path(l[0]);
          L.polyline(path, Object.assign({pane: "sm-context", renderer: renderers.context, color: "#BDB5A6", weight: 2.6}, still)).addTo(map);
          [["#fff", 2.6, .6], ["#1F2328", 1.1, .75]].forEach(look => L.polyline(path, {
            pane: "sm-lines", renderer: renderers.lines, interactive: false, color: look[0], weight: look[1], opacity: look[2],
          }).addTo(map));
        });
        layer.points.forEach(p => L.circleMarker(S.point(p[0], p[1]), Object.assign({
          pane: "sm-lines", renderer: renderers.lines, radius: 3.2, color: "#1F2328", weight: 1.4, fillColor: "#fff", fillOpacity: 1,
        }, still)).addTo(map));
      });
    }

    const width = () => { const z = map.getZoom(); return canvas && z < 10 ? .4 : z < 12.5 ? .7 : z < 14 ? 1 : 1.5; };

    view.paint = function () {
      const layer = shown(), filter = view.filter, whole = S.tiles ? .85 : 1;
      polygons.forEach((polygon, i) => {
        const c = S.classOf(layer, i), dim = c && filter !== null && filter !== c.k;
        polygon.setStyle(c
          ? {fillColor: fill(c), fillOpacity: dim ? .13 : whole, color: c.s ? "#B5AEA1" : layer.line, weight: width(), opacity: 1}
          : {fillColor: "#fff", fillOpacity: 0, color: layer.line, weight: .6, opacity: .55});
        polygon.options.k = c ? c.k : "";
        if (!canvas) polygon.getElement().dataset.k = polygon.options.k;
      });
      drawBands(layer, filter, whole);
      drawOverlays(layer, filter);
      study.bringToFront();
    };

    // Bands lie under the areas, which stay to be pointed at; their own line closes the seams between them.
    function drawBands(layer, filter, whole) {
      if (banded !== layer) {
        bands.forEach(b => b.remove());
        bands = (layer.bands || []).map(shape => L.polygon(S.shape(shape), {
          pane: "sm-bands", renderer: renderers.bands, interactive: false, weight: .7, className: "sm-band",
        }).addTo(map));
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
          pane: "sm-over", renderer: renderers.over, interactive: false, stroke: false, fillOpacity: 1, className: "sm-overlay",
          fillColor: canvas ? S.tile(o.k) : S.fillWith(o.k),
        }).addTo(map);
        if (canvas) return drawn;
        drawn.getElement().dataset.k = o.k;
        drawn.getElement().dataset.areas = o.a ? seen.length : "";
        return drawn;
      });
    }

    view.repaintLines = function () {
      const wide = width();
      if (!shown().bands && polygons.length && polygons[0].options.weight !== wide) polygons.forEach(p => p.setStyle({weight: wide}));
    };

    view.mark = function () {
      const pinned = S.state.pinned === null ? [] : S.shapes[S.state.pinned];
      const current = S.state.current === null || S.state.current === S.state.pinned ? [] : S.shapes[S.state.current];
      marks.forEach((m, i) => m.setLatLngs(i < 2 ? pinned : current));
    };

    // Which class each area is painted in, whatever it is painted on; for those who check.
    view.painted = () => polygons.map(p => p.options.k);
    S.views.push(view);
    return view;
  };

  S.paint = () => S.views.forEach(view => view.paint());
  S.mark = () => S.views.forEach(view => view.mark());
})(window.safemap);
