// The table twin and the methods drawer: the same figures, the same withheld cells.
(function (S) {
  "use strict";
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
    if (layer.value) list.push(["v", S.t("value"), true]);
    if (layer.low) list.push(["ci", S.t("interval", {a: S.percent(layer.conf, 0)}), true]);
    if (layer.p) list.push(["p", S.t("p_short"), true]);
    if (layer.n) list.push(["n", "n", true]);
    if (S.data.population) list.push(["people", upper(S.counted("residents", 5)), true]);
    list.push(["class", S.t("class"), false]);
    return list;
  }

  // What is sorted by, and what is written, for one area; null sorts last and is written as a dash.
  function cells(layer, i) {
    const c = S.classOf(layer, i), open = !c.s || c.s === "few", get = key => open && layer[key] ? layer[key][i] : null;
    const v = get("value"), n = get("n"), people = S.data.population ? S.data.population[i] : null;
    return {
      name: [S.areaName(i), S.areaName(i)],
      v: [v, v === null ? "–" : S.rate(layer, v)],
      ci: [get("low"), (open && S.interval(layer, i)) || "–"],
      p: [get("p"), (open && S.pValue(layer, i)) || "–"],
      n: [n, S.number(n)],
      people: [people, S.number(people)],
      class: [layer.codes[i], S.message(c.l)],
    };
  }

  function compare(a, b) {
    const x = a[sorted][0], y = b[sorted][0];
    if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
    if (y === null || y === undefined) return -1;
    const order = typeof x === "string" ? x.localeCompare(y, S.state.language) : x - y;
    return down ? -order : order;
  }

  S.drawTable = function () {
    const layer = S.layer(), list = columns(layer), dialog = S.ui.table;
    if (!list.some(c => c[0] === sorted)) { sorted = "name"; down = false; }
    dialog.title.textContent = (S.data.title ? S.data.title + ": " : "") + S.layerName(layer);
    dialog.close.textContent = S.t("close");
    const table = S.el("table"), head = S.el("tr"), body = S.el("tbody");
    list.forEach(column => head.append(heading(column)));
    const thead = S.el("thead");
    thead.append(head);
    S.data.names.map((name, i) => cells(layer, i)).sort(compare).forEach(row => {
      const line = S.el("tr");
      list.forEach(c => line.append(c[0] === "name" ? S.name("td", "", row.name[1]) : S.el("td", c[2] ? "num" : "", row[c[0]][1])));
      body.append(line);
    });
    table.append(thead, body);
    const unit = S.el("p", "sm-note", S.message(layer.unit) + (layer.period ? " · " + layer.period : "") + ". " + S.t("sort"));
    dialog.body.replaceChildren(unit, table);
  };

  function heading(column) {
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
    const dialog = S.ui.methods, body = dialog.body;
    dialog.title.textContent = S.t("methods");
    dialog.close.textContent = S.t("close");
    body.replaceChildren();
    if (S.data.audit) ladder(body, S.data.audit);
    S.data.methods.forEach(part => {
      if (part[0]) body.append(S.name("h3", "", part[0]));
      body.append(S.name("p", "", part[1]));
    });
    body.append(S.el("h3", "", S.t("cannot_say")), S.el("p", "", S.t("cannot_say_text")));
    if (S.data.geometry.tolerance) {
      body.append(S.el("p", "sm-note", S.t("simplified", {a: S.number(S.data.geometry.tolerance)})));
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
    rung(audit.placed, S.t("a_placed"));
    const sum = [...audit.aside.map(step => step[1]), audit.placed].map(n => S.number(n)).join(" + ");
    body.append(S.el("h3", "", S.t("rows_ladder")), grid, S.el("p", "", S.number(audit.read) + " = " + sum));
    if (audit.hit_rate !== null) body.append(S.el("p", "", S.t("a_hit_rate", {a: S.percent(audit.hit_rate, 1)})));
  }
})(window.safemap);
