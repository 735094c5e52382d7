// Find an area by name: accents and apostrophes ignored, Latin and Cyrillic letters alike.
(function (S) {
  "use strict";
  let folded = null, hits = [], at = -1;

  S.addSearch = function (main) {
    const box = S.el("div", "sm-search"), label = S.el("label", "sm-hidden"), input = S.el("input"), list = S.el("ul");
    label.htmlFor = input.id = "sm-find";
    input.autocomplete = "off";
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", "sm-hits");
    input.setAttribute("aria-autocomplete", "list");
    list.id = "sm-hits";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    box.append(label, input, list);
    main.append(box);
    Object.assign(S.ui, {find: input, hits: list, findLabel: label});
    input.addEventListener("input", search);
    input.addEventListener("keydown", key);
    input.addEventListener("blur", () => setTimeout(close, 120));
  };

  S.wordSearch = function () {
    if (!S.ui.find) return;
    S.ui.findLabel.textContent = S.ui.find.placeholder = S.t("find");
    S.ui.hits.setAttribute("aria-label", S.t("find"));
  };

  function search() {
    if (!folded) folded = S.data.names.map((name, i) => [...new Set(S.areaNames(i).map(S.fold))]);
    const wanted = S.fold(S.ui.find.value);
    hits = !wanted ? [] : folded.map((names, i) => [...best(names, wanted), i]).filter(h => h[0] >= 0)
      .sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).slice(0, 8).map(h => h[2]);
    at = -1;
    S.ui.hits.replaceChildren(...hits.map(option));
    if (wanted && !hits.length) S.ui.hits.append(S.el("li", "none", S.t("no_hit")));
    S.ui.hits.hidden = !wanted;
    S.ui.find.setAttribute("aria-expanded", String(hits.length > 0));
    S.ui.find.removeAttribute("aria-activedescendant");
  }

  // Earliest place of the wanted letters in any name of an area, and the length of that name; -1 for nowhere.
  function best(names, wanted) {
    return names.map(name => [name.indexOf(wanted), name.length]).filter(h => h[0] >= 0)
      .sort((a, b) => a[0] - b[0] || a[1] - b[1])[0] || [-1, 0];
  }

  function option(area, k) {
    const item = S.name("li", "", S.areaName(area));
    item.id = "sm-hit-" + k;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.addEventListener("mousedown", e => { e.preventDefault(); take(area); });
    return item;
  }

  function key(e) {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (!hits.length) return;
      at = (at + (e.key === "ArrowDown" ? 1 : -1) + hits.length) % hits.length;
      Array.from(S.ui.hits.children, (c, k) => c.setAttribute("aria-selected", String(k === at)));
      S.ui.find.setAttribute("aria-activedescendant", "sm-hit-" + at);
      S.state.current = hits[at];
      S.mark();
    } else if (e.key === "Enter" && hits.length) take(hits[Math.max(0, at)]);
    else if (e.key === "Escape") close();
  }

  function take(area) {
    S.ui.find.value = S.areaName(area);
    close();
    S.moved = true;
    S.pin(area, true);
    S.say(area);
  }

  function close() {
    S.ui.hits.hidden = true;
    S.ui.find.setAttribute("aria-expanded", "false");
    S.state.current = null;
    S.mark();
  }
})(window.safemap);
