// The page around the map: layout, header, keyboard, language, address, start.
(function (S) {
  "use strict";

  S.start = function (map) {
    S.map = map;
    S.read();
    build(map.getContainer());
    prepare(map);
    address();
    S.addView(map, S.layer);
    S.fit();
    S.redraw();
    keyboard(map.getContainer());
    watch(map);
    S.moved = false;
    ask();
    document.documentElement.dataset.safemap = "ready";
  };

  function build(container) {
    const root = S.el("div", "sm"), header = S.el("header"), text = S.el("div", "sm-head"), side = S.el("div", "sm-side");
    const ui = S.ui = {root: root};
    ui.title = S.name("h1");
    ui.finding = S.el("p", "sm-finding");
    ui.finding.setAttribute("aria-live", "polite");
    ui.more = S.button("sm-more", "", () => { root.classList.toggle("sm-open"); wordMore(); });
    text.append(ui.title, ui.finding, ui.more);
    ui.meta = S.el("div", "sm-meta");
    ui.actions = S.el("div", "sm-actions");
    side.append(ui.meta, ui.actions);
    header.append(text, side);
    ui.panel = S.el("aside");
    ui.choice = S.el("fieldset");
    ui.slider = S.el("div", "sm-slider");
    ui.legend = S.el("section", "sm-legend");
    ui.legend.hidden = S.hides("legend");
    ui.panel.append(ui.choice, ui.slider, ui.legend);
    const main = ui.main = S.el("main");
    container.parentNode.insertBefore(root, container);
    container.classList.add("sm-map");
    main.append(container);
    ui.edge = container.appendChild(S.el("div", "sm-edges"));
    if (S.has("search")) S.addSearch(main);
    ui.tip = S.el("div", "sm-card");
    ui.card = S.el("div", "sm-card pinned");
    ui.tip.hidden = ui.card.hidden = true;
    ui.furniture = S.el("div", "sm-furniture");
    ui.shown = S.el("div", "sm-shown");
    ui.keys = S.el("p", "sm-hidden");
    ui.keys.id = "sm-keys";
    ui.live = S.el("div", "sm-hidden");
    ui.live.setAttribute("aria-live", "polite");
    if (S.canCompare()) S.addBeside(main);
    main.append(ui.tip, ui.card, ui.furniture, ui.shown, ui.keys, ui.live);
    ui.footer = S.el("footer");
    root.append(header, ui.panel, main, ui.footer);
    ui.side = side;
    S.addTextures(root);
    actions();
    arrange();
    S.phone.addEventListener("change", () => { arrange(); S.map.invalidateSize({animate: false}); S.fit(); });
  }

  function actions() {
    const ui = S.ui;
    if (S.has("language")) {
      const label = S.el("label", "sm-hidden"), select = S.el("select", "sm-button");
      label.htmlFor = select.id = "sm-language";
      for (const code in S.data.words) {
        const option = S.el("option", "", S.data.words[code].language_name);
        option.value = option.lang = code;
        select.append(option);
      }
      select.addEventListener("change", () => { S.state.language = select.value; S.redraw(); });
      ui.actions.append(label, select);
      Object.assign(ui, {language: select, languageLabel: label});
    }
    if (S.has("table")) {
      ui.table = S.addDialog("sm-table", "sm-table-title");
      ui.tableButton = S.button("sm-button", "", () => { S.drawTable(); ui.table.box.showModal(); });
      ui.actions.append(ui.tableButton);
    }
    if (S.has("methods")) {
      ui.methods = S.addDialog("sm-drawer", "sm-methods-title");
      ui.methodsButton = S.button("sm-button", "", () => { S.drawMethods(); ui.methods.box.showModal(); });
      ui.actions.append(ui.methodsButton);
    }
    if (S.has("print")) {
      ui.printButton = S.button("sm-button", "", () => window.print());
      ui.actions.append(ui.printButton);
    }
    if (S.canCompare()) {
      ui.compareButton = S.button("sm-button", "", S.toggleCompare);
      ui.actions.append(ui.compareButton);
    }
  }

  // On a phone the actions and the footer scroll with the sheet, so that the map keeps its height.
  function arrange() {
    const ui = S.ui;
    if (S.phone.matches) ui.panel.append(ui.actions, ui.footer);
    else { ui.side.append(ui.actions); ui.root.append(ui.footer); }
  }

  function prepare(map) {
    const container = map.getContainer();
    if (map.keyboard) map.keyboard.disable();
    Object.assign(map.options, {zoomSnap: .25, zoomDelta: .5, wheelPxPerZoomLevel: 110});
    if (window.matchMedia("(prefers-reduced-motion:reduce)").matches) map._zoomAnimated = false;
    if (S.has("zoom") && !container.querySelector(".leaflet-control-zoom")) {
      S.zoom = L.control.zoom({position: "topright"}).addTo(map);
    }
    container.tabIndex = 0;
    container.setAttribute("role", "group");
    container.setAttribute("aria-describedby", "sm-keys");
    // folium forbids pinching; readers who need large print must be able to zoom the page.
    const viewport = document.querySelector('meta[name="viewport"]');
    if (viewport) viewport.content = "width=device-width, initial-scale=1";
    map.invalidateSize({animate: false});
  }

  S.fit = () => S.map.fitBounds(bounds(), {padding: S.phone.matches ? [4, 4] : [22, 18], animate: false});
  function bounds() {
    const b = S.data.geometry.bounds;
    return L.latLngBounds([b[1], b[0]], [b[3], b[2]]);
  }

  S.show = function (id) {
    S.state.step = S.stepFor(id);
    S.state.layer = id;
    S.redraw();
  };

  S.redraw = function () {
    const ui = S.ui;
    S.tiles = hasTiles();
    ui.root.classList.toggle("sm-tiles", S.tiles);
    S.views.forEach(view => {
      const key = view.shown().id;
      if (view.layer !== key) view.filter = null; // a new layer begins with nothing dimmed; a new period goes on
      view.layer = key;
    });
    S.drawChoice();
    S.drawSlider();
    if (S.canCompare()) S.drawCompare();
    S.drawHeader();
    S.paint();
    S.drawLegend();
    S.furnish();
    S.label();
    S.wordSearch();
    wordActions();
    wordMore();
    S.map.getContainer().setAttribute("aria-label", ui.title.textContent + ". " + ui.finding.textContent);
    if (S.state.pinned !== null) S.fillCard(ui.card, S.state.pinned, true);
    ui.tip.hidden = true;
    const chosen = ui.choice.querySelector(":checked");
    if (chosen && S.phone.matches) chosen.parentNode.scrollIntoView({block: "nearest", inline: "nearest"});
  };

  function hasTiles() {
    let found = false;
    S.map.eachLayer(layer => { found = found || layer instanceof L.TileLayer; });
    return found;
  }

  function wordActions() {
    const ui = S.ui;
    if (ui.language) {
      ui.language.value = S.state.language;
      ui.languageLabel.textContent = S.t("language");
    }
    [["tableButton", "table"], ["methodsButton", "methods"], ["printButton", "print"]].forEach(b => {
      if (ui[b[0]]) ui[b[0]].textContent = S.t(b[1]);
    });
    ui.panel.setAttribute("aria-label", S.t("layers_and_legend"));
    ui.keys.textContent = S.t("keys");
    ["in", "out"].forEach(way => {
      const button = S.map.getContainer().querySelector(".leaflet-control-zoom-" + way);
      if (!button) return;
      button.title = S.t("zoom_" + way);
      button.setAttribute("aria-label", button.title);
    });
    const source = S.name("span", "sm-source", S.data.source ? ended(S.data.source) + " " : "");
    const words = {records: "disclaimer", answers: "disclaimer_answers", nonrandom: "disclaimer_nonrandom"};
    const bases = [...new Set(S.shown().map(l => l.base))];
    ui.footer.replaceChildren(bases.map(base => S.t(words[base])).join(" ") + " ", S.name("span", "", ended(S.data.disclaimer || S.t("boundaries"))), " ",
      source, S.el("span", "sm-source", "safemap " + S.data.version + "."));
  }

  // Texts given by the caller may end in any way; what follows begins a sentence.
  const ended = text => /[.!?…]$/.test(text) ? text : text + ".";

  // A long finding is cut to two lines on a phone, and can be opened.
  function wordMore() {
    const ui = S.ui, open = ui.root.classList.contains("sm-open");
    ui.more.textContent = S.t(open ? "less" : "more");
    ui.more.setAttribute("aria-expanded", String(open));
    ui.more.hidden = !S.phone.matches || (!open && ui.finding.scrollHeight <= ui.finding.clientHeight + 2);
  }

  function keyboard(container) {
    const ways = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    container.addEventListener("keydown", e => {
      if (e.target !== container || e.ctrlKey || e.altKey || e.metaKey) return;
      const way = ways[e.key];
      if (way) {
        e.preventDefault();
        if (e.shiftKey) S.map.panBy([way[0] * 90, way[1] * 90], {animate: false});
        else step(way);
      } else if (e.key === "Enter" && S.state.current !== null) S.pin(S.state.current);
      else if (e.key === "Escape") { S.hover(null); S.unpin(); }
      else if (e.key === "+" || e.key === "=") S.map.zoomIn(.5);
      else if (e.key === "-") S.map.zoomOut(.5);
    });
    container.addEventListener("blur", () => { if (S.state.current !== null) S.hover(null); });
  }

  // The nearest area in the direction of the arrow; at first the one nearest to the middle of the map.
  function step(way) {
    const from = S.state.current !== null ? S.state.current : S.state.pinned;
    const at = from === null ? S.map.getSize().divideBy(2) : S.map.latLngToContainerPoint(S.spots[from]);
    let best = null, least = Infinity;
    S.spots.forEach((spot, i) => {
      if (i === from) return;
      const d = S.map.latLngToContainerPoint(spot).subtract(at);
      const along = d.x * way[0] + d.y * way[1], across = Math.abs(d.x * way[1]) + Math.abs(d.y * way[0]);
      if (from !== null && (along <= 2 || across > along * 1.2)) return;
      const cost = from === null ? Math.hypot(d.x, d.y) : along + across * 1.8;
      if (cost < least) { least = cost; best = i; }
    });
    if (best === null) return;
    const inner = L.bounds([40, 40], S.map.getSize().subtract([40, 40]));
    if (!inner.contains(S.map.latLngToContainerPoint(S.spots[best]))) S.map.panTo(S.spots[best], {animate: false});
    S.hover(best, S.map.latLngToContainerPoint(S.spots[best]), true);
    S.say(best);
  }

  function watch(map) {
    const container = map.getContainer();
    map.on("moveend zoomend resize", () => { S.furnish(); S.views[0].repaintLines(); S.labelView(S.views[0]); });
    map.on("layeradd layerremove", e => {
      if (e.layer instanceof L.TileLayer && S.tiles !== hasTiles()) S.redraw();
    });
    for (const event of ["wheel", "pointerdown", "keydown"]) {
      container.addEventListener(event, () => { S.moved = true; }, {passive: true});
    }
    for (const event of ["pointerdown", "pointermove"]) {
      container.addEventListener(event, e => { S.touch = e.pointerType === "touch"; }, {capture: true, passive: true});
    }
    new ResizeObserver(() => { map.invalidateSize({animate: false}); if (!S.moved) S.fit(); }).observe(container);
    const refit = () => { map.invalidateSize({animate: false}); S.fit(); };
    window.addEventListener("beforeprint", refit);
    window.addEventListener("afterprint", refit);
    window.matchMedia("print").addEventListener("change", refit);
    window.addEventListener("hashchange", () => { address(); S.redraw(); ask(); });
  }

  // The address can name a layer, a language, an area (by position), a search and a dialog; unknown words do nothing.
  function address() {
    const asked = new URLSearchParams(location.hash.slice(1)), short = {rate: "rates", lisa: "local_moran", gi: "local_getis_ord", share: "survey"};
    const layer = short[asked.get("layer")] || asked.get("layer"), language = asked.get("lang"), step = Number(asked.get("step"));
    if (Object.hasOwn(S.layers, layer)) S.state.layer = layer;
    if (asked.has("step") && Number.isInteger(step) && step >= 0) S.state.step = step;
    if (Object.hasOwn(S.data.words, language)) S.state.language = language;
  }

  function ask() {
    const asked = new URLSearchParams(location.hash.slice(1)), area = Number(asked.get("area"));
    const [beside, at] = (asked.get("beside") || "").split(".");
    if (S.canCompare() && Object.hasOwn(S.layers, beside)) S.compare({layer: beside, step: Number(at) || 0});
    else if (S.data.compare && !S.state.other && S.canCompare()) S.compare(S.data.compare);
    if (asked.has("zoom") && Number(asked.get("zoom"))) { S.moved = true; S.map.setZoom(Number(asked.get("zoom")), {animate: false}); }
    if (asked.has("area") && Number.isInteger(area) && area >= 0 && area < S.size) { S.moved = true; S.pin(area, asked.has("zoom")); }
    if (asked.get("show") === "table" && S.ui.table) S.ui.tableButton.click();
    if (asked.get("show") === "methods" && S.ui.methods) S.ui.methodsButton.click();
  }
})(window.safemap);
