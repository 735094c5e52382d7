// Names on the map: largest room first, no overlaps, and a count of what is not shown.
(function (S) {
  "use strict";
  let order = null, pen = null;

  S.label = () => S.views.forEach(S.labelView);

  S.labelView = function (view) {
    const map = view.map, pane = map.getPane("sm-names");
    pane.replaceChildren();
    if (!S.has("labels")) return;
    if (!order) {
      order = S.room.map((r, i) => i).sort((a, b) => S.room[b] - S.room[a] || a - b);
      pen = document.createElement("canvas").getContext("2d");
    }
    const family = getComputedStyle(S.ui.root).fontFamily, taken = controls(map);
    pen.font = "italic 12px " + family;
    S.data.context.forEach(layer => contextNames(layer, map, pane, taken));
    pen.font = "500 11px " + family;
    let placed = 0, visible = 0;
    const bounds = map.getBounds(), perPixel = S.metresPerPixel(), zoomedOut = map.getZoom() < 13;
    order.forEach(i => {
      if (!S.room[i] || !bounds.contains(S.spots[i])) return;
      visible++;
      placed += place(view, i, S.room[i] / perPixel, zoomedOut ? 2.9 : 2.6, pane, taken);
    });
    if (view === S.views[0]) S.ui.shown.textContent = !visible ? "" : S.t("names_shown", {a: S.number(placed), N: S.number(visible)});
  };

  const hits = (taken, r) => taken.some(q => r[0] < q[2] && r[2] > q[0] && r[1] < q[3] && r[3] > q[1]);

  // What lies on the map takes its place first; so does everything beyond the edge, where a name would be cut.
  function controls(map) {
    const frame = map.getContainer().getBoundingClientRect(), zero = map.containerPointToLayerPoint([0, 0]);
    const w = frame.width, h = frame.height, far = 9999;
    const boxes = [[-far, -far, 0, far], [w, -far, far, far], [-far, -far, far, 0], [-far, h, far, far]];
    S.ui.root.querySelectorAll(".sm-search input, .leaflet-control, .sm-furniture, .sm-shown, .sm-caption, .sm-beside-head").forEach(e => {
      const r = e.getBoundingClientRect();
      if (r.width) boxes.push([r.left - frame.left, r.top - frame.top, r.right - frame.left, r.bottom - frame.top]);
    });
    return boxes.map(b => [b[0] + zero.x, b[1] + zero.y, b[2] + zero.x, b[3] + zero.y]);
  }

  // One break, never before a token of three characters or fewer ("Xalpa I"), where the name is wider than its room.
  function broken(name, radius) {
    const words = name.replace(/ (\S{1,3})(?= |$)/g, "\u00a0$1").split(" ");
    if (words.length < 2 || pen.measureText(name).width <= 2.1 * radius) return [name];
    let best = null;
    for (let k = 1; k < words.length; k++) {
      const lines = [words.slice(0, k).join(" "), words.slice(k).join(" ")];
      const width = Math.max(...lines.map(x => pen.measureText(x).width));
      if (!best || width < best[0]) best = [width, lines];
    }
    return best[1];
  }

  function place(view, i, radius, most, pane, taken) {
    if (radius < 7) return 0;
    const lines = broken(S.areaName(i), radius);
    const width = Math.max(...lines.map(x => pen.measureText(x).width));
    if (width > most * radius) return 0;
    const at = view.map.latLngToLayerPoint(S.spots[i]), half = lines.length * 6 + 2;
    const box = [at.x - width / 2 - 3, at.y - half, at.x + width / 2 + 3, at.y + half];
    if (hits(taken, box)) return 0;
    taken.push(box);
    const c = S.classOf(view.shown(), i), dimmed = c && view.filter !== null && view.filter !== c.k;
    const label = S.name("div", "sm-label" + (c && S.isDark(c.c) && !dimmed ? " light" : ""));
    lines.forEach((text, k) => {
      if (k) label.append(document.createElement("br"));
      label.append(text);
    });
    put(label, at, pane);
    return 1;
  }

  function put(label, at, pane) {
    label.style.left = at.x + "px";
    label.style.top = at.y + "px";
    pane.append(label);
  }

  function contextNames(layer, map, pane, taken) {
    const once = new Set();
    layer.polygons.forEach(p => p[1] && p[2] && name(p[1], S.point(p[2][0], p[2][1]), "", 0));
    layer.points.forEach(p => p[2] && name(p[2], S.point(p[0], p[1]), " place", 11));
    layer.lines.slice().sort((a, b) => b[0].length - a[0].length).forEach(l => {
      if (!l[1] || once.has(l[1])) return;
      const path = S.path(l[0]);
      if (name(l[1], L.latLng(path[Math.floor(path.length / 2)]), " way", 0)) once.add(l[1]);
    });

    function name(text, spot, kind, drop) {
      const half = pen.measureText(text).width * .62;
      const at = map.latLngToLayerPoint(spot).add([0, drop]);
      const box = [at.x - half, at.y - 8, at.x + half, at.y + 8];
      if (hits(taken, box)) return false;
      taken.push(box);
      put(S.name("div", "sm-around" + kind, text), at, pane);
      return true;
    }
  }

  S.isDark = function (colour) {
    if (!colour) return false;
    const linear = [1, 3, 5].map(k => parseInt(colour.slice(k, k + 2), 16) / 255)
      .map(v => v <= .04045 ? v / 12.92 : Math.pow((v + .055) / 1.055, 2.4));
    return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2] < .193;
  };
})(window.safemap);
