// Data, state and the few helpers every part of the page shares. Text reaches the page through textContent only.
window.safemap = window.safemap || {};
(function (S) {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";

  S.el = function (tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  };

  S.svg = function (tag, attributes, text) {
    const node = document.createElementNS(NS, tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  };

  // Names from data stand in an isolated run, so that their direction cannot rearrange what stands beside them.
  S.name = function (tag, className, text) {
    const node = S.el(tag, className, text);
    node.dir = "auto";
    return node;
  };

  S.button = function (className, text, action) {
    const node = S.el("button", className, text);
    node.type = "button";
    node.addEventListener("click", action);
    return node;
  };

  S.read = function () {
    const data = JSON.parse(document.getElementById("safemap-data").textContent);
    const unit = data.geometry.unit;
    S.data = data;
    const asked = new URLSearchParams(location.hash.slice(1)).get("draw"); // to compare the two ways of drawing
    if (asked === "svg" || asked === "canvas") data.geometry.canvas = asked === "canvas";
    S.size = data.names.length;
    S.path = function (flat) {
      const out = [];
      let x = 0, y = 0;
      for (let i = 0; i < flat.length; i += 2) {
        x += flat[i];
        y += flat[i + 1];
        out.push([y / unit, x / unit]);
      }
      return out;
    };
    S.shape = polygons => polygons.map(rings => rings.map(S.path));
    S.shapes = data.geometry.areas.map(S.shape);
    S.spots = data.geometry.labels.map(s => L.latLng(s[1] / unit, s[0] / unit));
    S.room = data.geometry.labels.map(s => s[2]);
    S.point = (x, y) => L.latLng(y / unit, x / unit);
    S.layers = {};
    data.layers.forEach(layer => { S.layers[layer.id] = layer; });
    const first = data.first || {layer: data.layers[0].id, step: 0};
    S.state = {layer: first.layer, step: first.step, other: null, language: data.language, pinned: null, current: null};
  };

  // The name of an area in the language of the page, where the caller gave one; searched are all of them.
  S.areaName = area => (S.data.names_in[S.state.language] || [])[area] || S.data.names[area];
  S.areaNames = area => [S.data.names[area], ...Object.values(S.data.names_in).map(names => names[area]).filter(Boolean)];

  // A layer as it is at one stop of its slider; layers without periods have one stop.
  const seen = new Map();
  S.at = function (id, step) {
    const layer = S.layers[id], k = layer.steps ? Math.min(step || 0, layer.steps.length - 1) : 0, key = id + "/" + k;
    if (!seen.has(key)) seen.set(key, Object.assign({}, layer, layer.steps ? layer.steps[k] : null, {step: k, key: key}));
    return seen.get(key);
  };
  S.layer = () => S.at(S.state.layer, S.state.step);
  // The layer beside it, where two are compared.
  S.other = () => S.state.other && S.at(S.state.other.layer, S.state.other.step);
  S.shown = () => S.other() ? [S.layer(), S.other()] : [S.layer()];

  // A layer of bands has no class per area.
  S.classOf = (layer, area) => layer.bands ? null : layer.classes[layer.codes[area]];
  S.overlaysOf = (layer, area) => layer.overlays.filter(o => o.a && covered(o).has(area));
  function covered(o) {
    if (!o.areas) o.areas = new Set(o.a);
    return o.areas;
  }
  S.open = c => !c.s || c.s === "few" || c.s === "cannot_tell"; // whether figures of an area in this class may be shown
  S.hides = part => S.data.hidden.includes(part);
  S.has = control => S.data.controls.includes(control);
  S.phone = window.matchMedia("screen and (max-width:760px)");
})(window.safemap);
