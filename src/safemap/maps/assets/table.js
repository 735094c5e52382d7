// The table twin and the methods drawer: the same figures, the same withheld cells.
(function (S) {
  "use strict";
  const MOST = 1000; // rows drawn at once; the rest on request, because a long table takes its time
  let sorted = "name", down = false;

  S.addDialog = function (kind, id) {
    const box = S.el("dialog", "sm-dialog " + kind), head = S.el("div", "sm-dialog-head"), body = S.el("div", "sm-dialog-body");
    const title = S.el("h2"), close = S.button("sm-button", "", () => box.close());
    title.id = id;
    box.setAttribute("aria-labelledby", id);
    head.append(title, close);
    box.append(head, body);
    S.ui.root.append(box);
    return {box: box, title: title, body: body, close: close};
  };

  const upper = text => text.charAt(0).toUpperCase() + text.slice(1);

  function columns(layer) {
    const list = [["name", S.t("area"), false]];
    if (layer.value || layer.before) list.push(["v", S.t("value"), true]);
    if (layer.low) list.push(["ci", S.t("interval", {a: S.percent(layer.conf, 0)}), true]);
    if (layer.p) list.push(["p", S.t("p_short"), true]);
    if (layer.before) list.push(["moved", upper(S.counted("cases", 5)), true]);
    if (layer.n) list.push(["n", layer.base === "records" ? "n" : upper(S.counted("answers", 5)), true]);
    if (layer.n_eff) list.push(["n_eff", S.t("n_eff_short"), true]);
    if (layer.base === "records" && S.data.population) list.push(["people", upper(S.counted("residents", 5)), true]);
    list.push(["class", S.t("class"), false]);
    const other = S.other();
    if (!other || other.bands) return list;
    const which = S.stepName(other) || S.layerName(other);
    if (other.value || other.before) list.push(["v2", S.t("value") + ": " + which, true]);
    list.push(["class2", S.t("class") + ": " + which, false]);
    return list;
  }

  // What is sorted by, and what is written, for one area; null sorts last and is written as a dash.
  function cells(layer, i) {
    const c = S.classOf(layer, i), open = S.open(c), get = key => open && layer[key] ? layer[key][i] : null;
    const other = S.other(), n = get("n"), people = S.data.population ? S.data.population[i] : null;
    return {
      name: [S.areaName(i), S.areaName(i)],
      v: [get("value"), (open && S.figure(layer, i)) || "–"],
      moved: [get("after"), get("before") === null ? "–" : S.fromTo(layer, i)],
      ci: [get("low"), (open && S.interval(layer, i)) || "–"],
      p: [get("p"), (open && S.pValue(layer, i)) || "–"],
      n: [n, S.number(n)],
      n_eff: [get("n_eff"), S.number(get("n_eff"))],
      people: [people, S.number(people)],
      class: [layer.codes[i], described(layer, i)],
      v2: other && !other.bands ? beside(other, i) : null,
      class2: other && !other.bands ? [other.codes[i], described(other, i)] : null,
    };
  }

  const described = (layer, i) => [S.classOf(layer, i), ...S.overlaysOf(layer, i)].map(x => S.message(x.l)).join(" · ");

  function beside(layer, i) {
    const open = S.open(S.classOf(layer, i));
    return [open && layer.value ? layer.value[i] : null, (open && S.figure(layer, i)) || "–"];
  }

  function compare(a, b) {
    const x = a[sorted][0], y = b[sorted][0];
    if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
    if (y === null || y === undefined) return -1;
    const order = typeof x === "string" ? x.localeCompare(y, S.state.language) : x - y;
    return down ? -order : order;
  }

  S.drawTable = function () {
    const layer = S.layer(), dialog = S.ui.table, list = layer.bands ? bandColumns : columns(layer);
    if (!list.some(c => c[0] === sorted)) { sorted = "name"; down = false; }
    const heading = S.heading(layer), own = layer.steps ? S.caption(layer) : S.layerName(layer);
    dialog.title.textContent = heading.startsWith(own) ? heading : heading + ": " + own;
    dialog.close.textContent = S.t("close");
    const table = S.el("table"), head = S.el("tr"), body = S.el("tbody");
    list.forEach(column => head.append(layer.bands ? plain(column) : header(column)));
    const thead = S.el("thead");
    thead.append(head);
    const rows = layer.bands ? bandRows(layer) : S.data.names.map((name, i) => cells(layer, i)).sort(compare);
    const add = row => {
      const line = S.el("tr");
      list.forEach(c => line.append(c[0] === "name" ? S.name("td", "", row.name[1]) : S.el("td", c[2] ? "num" : "", row[c[0]][1])));
      body.append(line);
    };
    rows.slice(0, MOST).forEach(add);
    table.append(thead, body);
    const unit = S.el("p", "sm-note", S.message(layer.unit) + (layer.period ? " · " + layer.period : "") + (layer.bands ? "" : ". " + S.t("sort")));
    dialog.body.replaceChildren(unit, table);
    if (rows.length <= MOST) return;
    const rest = S.button("sm-button sm-rest", S.t("all_rows", {N: S.number(rows.length)}), () => { rows.slice(MOST).forEach(add); rest.remove(); });
    dialog.body.append(rest);
  };

  // A density has no figures per area: its table is how much ground lies in each class.
  const bandColumns = [["name", "class", false], ["km2", "ground", true], ["part", "part", true]];

  function plain(column) {
    const cell = S.el("th", "sm-plain" + (column[2] ? " num" : ""), S.t(column[1]));
    cell.scope = "col";
    return cell;
  }

  function bandRows(layer) {
    const sum = layer.km2.reduce((a, b) => a + b, 0);
    const row = (label, km2) => ({
      name: [0, S.message(label)], km2: [km2, S.km2(km2) + " " + S.t("km2")], part: [km2, S.percent(sum ? km2 / sum : 0, 0)],
    });
    return [...layer.classes.map((c, i) => row(c.l, layer.km2[i])), ...layer.overlays.map(o => row(o.l, o.n))];
  }

  function header(column) {
    const active = sorted === column[0], cell = S.el("th", column[2] ? "num" : "");
    cell.scope = "col";
    cell.setAttribute("aria-sort", active ? (down ? "descending" : "ascending") : "none");
    cell.append(S.button("", column[1] + (active ? (down ? " ▼" : " ▲") : ""), () => {
      down = active ? !down : column[0] !== "name" && column[0] !== "class";
      sorted = column[0];
      S.drawTable();
      S.ui.table.body.querySelector('[aria-sort$="ending"] button').focus();
    }));
    return cell;
  }

  S.drawMethods = function () {
    const dialog = S.ui.methods, body = dialog.body, layer = S.layer();
    dialog.title.textContent = S.t("methods");
    dialog.close.textContent = S.t("close");
    body.replaceChildren();
    const audits = S.shown().map(l => l.audit).filter(a => a !== null && a !== undefined);
    [...new Set(audits)].forEach(a => ladder(body, S.data.audits[a]));
    S.data.methods.forEach(part => {
      if (part[0]) body.append(S.name("h3", "", part[0]));
      body.append(S.name("p", "", part[1]));
    });
    body.append(S.el("h3", "", S.t("cannot_say")), S.el("p", "", S.t(layer.base === "records" ? "cannot_say_text" : "cannot_say_answers")));
    S.data.notes.forEach(note => body.append(S.el("p", "sm-note", S.message(note))));
    if (S.data.geometry.tolerance) {
      body.append(S.el("p", "sm-note", S.t("simplified", {a: S.number(S.data.geometry.tolerance)})));
      if (S.data.geometry.unmatched) body.append(S.el("p", "sm-note", S.t("unmatched", {n: S.number(S.data.geometry.unmatched)})));
    }
    body.append(S.el("p", "sm-note", S.t("keys")));
  };

  function ladder(body, audit) {
    const grid = S.el("div", "sm-ladder");
    const rung = (rows, text, out) => {
      const cell = S.el("div", out ? "out" : ""), bar = S.el("i");
      bar.style.width = Math.max(.4, rows / audit.read * 100) + "%";
      cell.append(S.el("span", "", text), bar);
      grid.append(S.el("b", "", (out ? "\u2212 " : "") + S.number(rows)), cell);
    };
    rung(audit.read, S.t("a_read"));
    audit.aside.forEach(step => rung(step[1], S.data.words.en["r_" + step[0]] ? S.t("r_" + step[0]) : step[2], true));
    rung(audit.placed, S.t(audit.used ? "a_used" : "a_placed"));
    const sum = [...audit.aside.map(step => step[1]), audit.placed].map(n => S.number(n)).join(" + ");
    body.append(S.el("h3", "", S.t("rows_ladder")), grid, S.el("p", "", S.number(audit.read) + " = " + sum));
    if (audit.hit_rate !== null) body.append(S.el("p", "", S.t("a_hit_rate", {a: S.percent(audit.hit_rate, 1)})));
  }
})(window.safemap);
