// Graticule, scale bar and north arrow: computed from the ground, rebuilt when the map moves.
(function (S) {
  "use strict";
  S.furnish = function () {
    S.views.forEach(view => view.grid.clearLayers());
    S.ui.edge.replaceChildren();
    S.ui.furniture.replaceChildren();
    if (S.has("graticule")) graticule();
    if (S.has("scale") || S.has("north")) S.ui.furniture.append(scaleBar());
    S.ui.furniture.hidden = !S.ui.furniture.childElementCount;
  };

  function step(span) {
    const wanted = span / 4;
    const power = Math.pow(10, Math.floor(Math.log10(wanted)));
    return [1, 2, 5, 10].map(k => k * power).find(k => k >= wanted);
  }

  function degrees(value, by, positive, negative) {
    const decimals = Math.max(0, -Math.floor(Math.log10(by) + 1e-9));
    return S.number(Math.abs(value), decimals) + "° " + (value < 0 ? negative : positive);
  }

  function gridLine(points) {
    S.views.forEach(view => L.polyline(points, {
      pane: "sm-grid", renderer: view.renderers.grid, interactive: false, color: "#D3CCBE", weight: .8,
    }).addTo(view.grid));
  }

  function graticule() {
    const b = S.map.getBounds(), size = S.map.getSize(), middle = b.getCenter();
    const by = step(Math.min(b.getEast() - b.getWest(), (b.getNorth() - b.getSouth()) * 1.4));
    if (!by || !isFinite(by)) return;
    for (let i = Math.ceil(b.getWest() / by); i * by < b.getEast(); i++) {
      gridLine([[b.getSouth() - by, i * by], [b.getNorth() + by, i * by]]);
      const x = S.map.latLngToContainerPoint([middle.lat, i * by]).x;
      if (x > 300 && x < size.x - 110) edgeLabel("lon", "left", x, degrees(i * by, by, "E", "W"));
    }
    for (let i = Math.ceil(b.getSouth() / by); i * by < b.getNorth(); i++) {
      gridLine([[i * by, b.getWest() - by], [i * by, b.getEast() + by]]);
      const y = S.map.latLngToContainerPoint([i * by, middle.lng]).y;
      if (y > 110 && y < size.y - 50) edgeLabel("lat", "top", y, degrees(i * by, by, "N", "S"));
    }
  }

  function edgeLabel(kind, side, at, text) {
    const label = S.el("div", "sm-edge " + kind, text);
    label.style[side] = at + "px";
    S.ui.edge.append(label);
  }

  // Ground metres per pixel at the centre: Mercator stretches, so the zoom alone would lie (33 % at 41 degrees).
  S.metresPerPixel = function () {
    const y = S.map.getSize().y / 2;
    const from = S.map.containerPointToLatLng([0, y]), to = S.map.containerPointToLatLng([100, y]);
    return S.map.distance(from, to) / 100;
  };

  function scaleBar() {
    const perPixel = S.metresPerPixel(), most = perPixel * 150, power = Math.pow(10, Math.floor(Math.log10(most)));
    const metres = [5, 2, 1].map(k => k * power).find(k => k <= most) || power;
    const w = metres / perPixel, far = metres >= 1000, unit = far ? "km" : "m", size = far ? metres / 1000 : metres;
    const box = S.svg("svg", {width: w + 52, height: 28, role: "img", "aria-label": S.number(size) + " " + unit});
    if (S.has("scale")) {
      for (let i = 0; i < 4; i++) {
        box.append(S.svg("rect", {
          x: 6 + i * w / 4, y: 15, width: w / 4, height: 6, fill: i % 2 ? "#fff" : "#1F2328", stroke: "#1F2328",
        }));
      }
      const at = (x, text) => box.append(S.svg("text", {x: x, y: 11, "text-anchor": "middle"}, text));
      at(6, "0");
      at(6 + w / 2, S.number(size / 2, size % 2 ? 1 : 0));
      at(6 + w, S.number(size) + " " + unit);
      box.dataset.metres = metres;
      box.dataset.pixels = w;
    }
    if (S.has("north")) box.append(S.svg("path", {d: "M" + (w + 38) + " 4l5.5 18-5.5-4-5.5 4z", fill: "#1F2328"}));
    return box;
  }
})(window.safemap);
