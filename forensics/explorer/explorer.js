// The panels of the explorer. All text is set through textContent; nothing is loaded, nothing is interpreted as markup.

const WAIT = 160;

function h(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = value;
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function button(text, act, given = {}) {
  return h("button", { type: "button", text, onclick: act, ...given });
}

function number(value) {
  return value.toLocaleString("en-US");
}

function badge(word) {
  return h("span", { class: `fxe-badge fxe-${word}`, text: word });
}

function wordOf(word) {
  return h("span", { class: `fxe-word fxe-word-${word.replaceAll(" ", "-")}`, text: word });
}

async function copy(text, from) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { value: text, class: "fxe-away" });
    from.parentElement.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = from.textContent;
  from.textContent = "copied";
  setTimeout(() => { from.textContent = before; }, 1200);
}

// What both panels share: sending, the busy mark, focus that outlives a redraw.

function talk(model, root) {
  let serial = 0;
  const settle = () => root.classList.toggle("fxe-busy", model.get("answered") < serial);
  model.on("change:answered", settle);
  return (what, given = {}) => {
    serial = Math.max(serial, model.get("answered")) + 1;
    settle();
    model.send({ do: what, serial, ...given });
  };
}

function redraw(place, children) {
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  place.replaceChildren(...children);
  if (key === undefined) return;
  const again = [...place.querySelectorAll("[data-key]")].find((item) => item.dataset.key === key);
  (again || place.querySelector("[data-key]"))?.focus({ preventScroll: true });
}

// The head: search, where one is, what is logged.

function head({ model, el }) {
  const root = h("div", { class: "fxe fxe-head", "data-lm-suppress-shortcuts": "true" });
  const send = talk(model, root);
  const bar = h("div", { class: "fxe-bar" });
  const chips = h("div", { class: "fxe-chips", "aria-label": "filters" });
  const said = h("div", { class: "fxe-said" });
  root.append(bar, chips, said);
  el.append(root);

  const search = searchBox(model, send);
  const moves = h("div", { class: "fxe-moves" });
  bar.append(search.root, moves);

  function draw() {
    const view = model.get("view");
    if (!view.chips) return;
    redraw(moves, [
      button("← Back", () => send("back"), { "data-key": "back", disabled: !view.back, title: "the state before" }),
      button("Forward →", () => send("forward"), { "data-key": "forward", disabled: !view.forward }),
      button("Copy code", (event) => copy(view.code, event.target), { "data-key": "code", title: "Python that makes this Timeline, for the next cell" }),
      button("Copy SQL", (event) => copy(view.sql, event.target), { "data-key": "sql", title: "the statement, and what is bound" }),
    ]);
    redraw(chips, [
      h("span", { class: "fxe-count" }, h("b", { text: number(view.events) }), ` of ${number(view.total)} events`),
      ...view.chips.map((chip) => chipOf(chip, send)),
      view.chips.length > 1 ? button("Clear all", () => send("clear"), { class: "fxe-quiet", "data-key": "clear" }) : null,
    ].filter(Boolean));
    redraw(said, [
      wordOf(view.coverage.word),
      h("span", { class: "fxe-sentence", text: view.coverage.text, title: view.coverage.lines }),
      view.problem ? h("span", { class: "fxe-problem", role: "alert", text: view.problem }) : null,
      h("span", { class: "fxe-brushes" },
        "stack by ",
        ...view.stacks.map((by) => button(by, () => send("stack", { by }), { "data-key": `by-${by}`, "aria-pressed": String(by === view.by) })),
        h("span", { class: "fxe-gap" }),
        button("Zoom out", () => send("wider"), { "data-key": "wider", disabled: !view.window }),
        button("Whole case", () => send("whole"), { "data-key": "whole", disabled: !view.window }),
      ),
    ].filter(Boolean));
  }
  model.on("change:view", draw);
  draw();

  // A drag in the figure is worked off without a message of ours: the mark is set here, and taken away by the next view.
  const settle = () => root.classList.toggle("fxe-busy", false);
  model.on("change:view", settle);
  const dragged = (event) => {
    if (event.target.closest?.(".fxe-brush .draglayer") && el.closest(".fxe-app")?.contains(event.target)) {
      root.classList.add("fxe-busy");
      setTimeout(settle, 2000);
    }
  };
  document.addEventListener("mousedown", dragged);

  // The figure between the panels takes its width when the window says that it changed.
  const wide = () => window.dispatchEvent(new Event("resize"));
  document.addEventListener("plotlywidget-after-render", wide);
  const watch = new ResizeObserver(wide);
  watch.observe(root);
  return () => { watch.disconnect(); document.removeEventListener("mousedown", dragged); document.removeEventListener("plotlywidget-after-render", wide); };
}

function chipOf(chip, send) {
  const drop = () => send(chip.kind === "window" ? "whole" : "drop", { kind: chip.kind, value: chip.value });
  return h("span", { class: chip.excluded ? "fxe-chip fxe-not" : "fxe-chip", title: chip.title },
    h("span", { class: "fxe-kind", text: `${chip.excluded ? "not " : ""}${chip.label}` }),
    h("span", { class: "fxe-value", text: chip.text }),
    button("×", drop, { "data-key": `chip-${chip.kind}-${chip.value}`, "aria-label": `without ${chip.label} ${chip.text}` }),
  );
}

function searchBox(model, send) {
  let timer, items = [], at = 0;
  const list = h("ul", { class: "fxe-found", role: "listbox", hidden: true });
  const input = h("input", {
    type: "text", class: "fxe-search", role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", spellcheck: "false",
    placeholder: "Search: principal, workload, resource, address, access key, session, finding, action …", "aria-label": "search",
  });
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); };
  const choose = (item) => {
    close();
    input.value = "";
    send("narrow", { kind: item.kind, value: item.value });
  };
  function draw() {
    const found = model.get("found");
    if (found.text !== input.value.trim()) return;
    items = found.items || [];
    at = 0;
    list.replaceChildren(...items.map((item, place) => option(item, place)));
    list.hidden = items.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    mark();
  }
  function option(item, place) {
    const first = place === 0 || items[place - 1].kind !== item.kind;
    const made = h("li", { role: "option", class: first ? "fxe-option fxe-first" : "fxe-option" },
      h("span", { class: "fxe-kind", text: first ? item.label : "" }),
      h("span", { class: "fxe-value", text: item.text, title: item.text }),
      h("span", { class: "fxe-note", text: item.note }),
    );
    made.addEventListener("mousedown", (event) => { event.preventDefault(); choose(item); });
    return made;
  }
  function mark() {
    [...list.children].forEach((made, place) => made.setAttribute("aria-selected", String(place === at)));
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }
  input.addEventListener("input", () => {
    clearTimeout(timer);
    const text = input.value.trim();
    if (text.length < 2) return close();
    timer = setTimeout(() => send("search", { text }), WAIT);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !list.hidden) {
      at = (at + step + items.length) % items.length;
      mark();
      event.preventDefault();
    } else if (event.key === "Enter") {
      clearTimeout(timer);
      const text = input.value.trim();
      if (!list.hidden && items[at]) choose(items[at]);
      else if (text.length > 1) choose({ kind: "text", value: text });
    } else if (event.key === "Escape") {
      if (list.hidden) input.value = "";
      close();
    }
  });
  input.addEventListener("blur", close);
  model.on("change:found", draw);
  return { root: h("div", { class: "fxe-searching" }, input, h("span", { class: "fxe-spinner", role: "status", "aria-label": "working", title: "working" }), list) };
}

// The body: facets, table, and what is beside it.

function body({ model, el }) {
  const root = h("div", { class: "fxe fxe-body", "data-lm-suppress-shortcuts": "true" });
  const send = talk(model, root);
  const facets = h("div", { class: "fxe-facets", "aria-label": "facets" });
  const middle = h("div", { class: "fxe-middle" });
  const side = h("div", { class: "fxe-side" });
  root.append(facets, middle, side);
  el.append(root);
  const menu = pivotMenu(root, send);
  const rows = table(model, middle, send, menu);
  beside(model, side, send, menu);

  function draw() {
    const view = model.get("view");
    if (!view.rows) return;
    menu.close();
    const top = facets.scrollTop;
    redraw(facets, view.facets.map((facet) => facetOf(facet, send)));
    facets.scrollTop = top;
    rows.draw();
  }
  model.on("change:view", draw);
  draw();
  return () => menu.remove();
}

function facetOf(facet, send) {
  const most = Math.max(...facet.items.map((item) => item.events), 1);
  const items = facet.items.map((item) => {
    const chosen = item.wanted === true, left = item.wanted === false;
    const key = `facet-${facet.kind}-${item.value}`;
    const act = () => send(chosen || left ? "drop" : "narrow", { kind: facet.kind, value: item.value });
    const bar = h("span", { class: "fxe-share" });
    bar.style.width = `${(100 * item.events) / most}%`;
    return h("div", { class: `fxe-item${chosen ? " fxe-chosen" : ""}${left ? " fxe-left" : ""}` },
      bar,
      h("button", { type: "button", class: "fxe-pick", onclick: act, "data-key": key, "aria-pressed": String(chosen), title: item.text },
        h("span", { class: "fxe-name" }, facet.kind === "certainty" && item.value ? badge(item.value) : short(item.text)),
        h("span", { class: "fxe-number", text: item.events ? number(item.events) : "0" })),
      button("not", () => send("narrow", { kind: facet.kind, value: item.value, excluded: true }), { class: "fxe-without", "data-key": `${key}-not`, title: `leave out ${item.text}` }),
    );
  });
  const more = facet.more ? h("div", { class: "fxe-more", text: `${number(facet.more)} more: search for them` }) : null;
  return h("section", {}, h("h4", { text: facet.label }), items, more);
}

// An ARN without what is the same in most rows: partition, service, Region, account; of a principal its path too.
function short(text, last = false) {
  const parts = text.startsWith("arn:") ? text.split(":").slice(5).join(":") : text;
  const named = parts.replace(/^(role|user|assumed-role|function|instance|task)[/:]/, "") || text;
  return last ? named.split("/").pop() || named : named;
}

const WIDTHS = {
  time: 146, day: 118, marks: 44, tagged: 108, action: 132, principal: 98, source_ip: 98, outcome: 70, workload: 160, resources: 180, summary: 340, source: 80,
  destination_ip: 104, session: 180, access_key_id: 172, user_agent: 200, account_id: 104, region: 84, bytes: 70, severity: 62, event_id: 240,
};

function table(model, place, send, menu) {
  const scroller = h("div", { class: "fxe-scroll" });
  const foot = h("div", { class: "fxe-foot" });
  place.append(scroller, foot);
  let row = 0, column = 0, timer, focused = false, chooser = false, day = "";

  // The one day of all rows, which then stands in the heading; "" where they are of several.
  const only = (rows) => {
    const days = new Set(rows.map((item) => item.at.slice(0, 10)));
    return days.size === 1 && rows[0].at.length > 10 ? rows[0].at.slice(0, 10) : "";
  };
  const width = (name) => {
    if (name === "time") return day ? WIDTHS.day : WIDTHS.time;
    const tagged = name === "marks" && Object.values(model.get("marked")).some((item) => item.tags.length);
    return tagged ? WIDTHS.tagged : WIDTHS[name];
  };
  const columns = () => {
    const view = model.get("view"), chosen = model.get("columns");
    const kept = view.columns.filter((item) => chosen.includes(item.name));
    return [kept[0], { name: "marks", label: "◆ ✎", kind: "" }, ...kept.slice(1)];
  };

  function draw() {
    drawRows(model.get("view"));
    footer(model.get("view"));
  }

  function drawRows(view) {
    focused = scroller.contains(document.activeElement);
    const kept = view.rows.findIndex((item) => item.id === model.get("current"));
    row = Math.max(kept, 0);
    const shown = columns();
    day = only(view.rows);
    column = Math.min(column, shown.length - 1);
    if (view.rows.length === 0) {
      scroller.replaceChildren(h("div", { class: "fxe-empty", role: "status" }, h("b", { text: "No event here." }), h("p", { text: view.empty })));
    } else {
      const grid = h("table", { role: "grid", "aria-label": "events" },
        h("colgroup", {}, shown.map((item) => { const col = h("col"); col.style.width = `${width(item.name)}px`; return col; })),
        h("thead", {}, h("tr", {}, shown.map((item) => heading(item, view)))),
        h("tbody", {}, view.rows.map((item, at) => line(item, at, shown))));
      grid.style.width = `${shown.reduce((sum, item) => sum + width(item.name), 0)}px`;
      const left = scroller.scrollLeft;
      scroller.replaceChildren(grid);
      scroller.scrollLeft = left;
      if (kept < 0) scroller.scrollTop = 0;
      point(focused);
    }
  }

  function heading(item, view) {
    if (item.name !== "time") return h("th", { scope: "col", text: item.label });
    const turn = button(`${day ? `${day} UTC` : item.label} ${view.newest ? "↓" : "↑"}`, () => send("order", { newest: !view.newest }), { title: view.newest ? "newest first" : "oldest first" });
    return h("th", { scope: "col", "aria-sort": view.newest ? "descending" : "ascending" }, turn);
  }

  function line(item, at, shown) {
    const made = h("tr", { class: item.found ? "fxe-cited" : "", "data-id": item.id }, shown.map((col) => cell(item, col)));
    made.addEventListener("mousedown", (event) => {
      const td = event.target.closest("td");
      column = [...made.children].indexOf(td);
      row = at;
      point(true);
      select(0);
    });
    return made;
  }

  function cell(item, col) {
    if (col.name === "marks") return marksOf(item);
    const said = item.cells[col.name];
    if (!said) return h("td", { tabindex: "-1", class: "fxe-none", text: "" });
    let text = ["principal", "workload", "resources"].includes(col.name) ? short(said.text, col.name === "principal") : said.text;
    if (col.name === "time" && day) text = text.slice(11);
    const made = h("td", { tabindex: "-1", class: `fxe-c-${col.name}`, title: said.title || said.text },
      said.certainty ? badge(said.certainty) : null, col.name === "outcome" ? h("span", { class: `fxe-o fxe-o-${text}`, text }) : text, said.more ? h("span", { class: "fxe-plus", text: said.more }) : null);
    made.addEventListener("click", () => { if (col.kind && getSelection().isCollapsed) open(made, item, col); });
    made.addEventListener("contextmenu", (event) => {
      if (event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      open(made, item, col);
    });
    return made;
  }

  function marksOf(item) {
    const marked = (model.get("marked") || {})[item.id] || { tags: [], notes: 0 };
    return h("td", { tabindex: "-1", class: "fxe-marks", title: [item.found ? "cited by a finding, or one" : "", ...marked.tags, marked.notes ? `${marked.notes} note(s)` : ""].filter(Boolean).join("\n") },
      item.found ? h("span", { class: "fxe-finding", text: "◆", "aria-label": "finding" }) : null,
      marked.notes ? h("span", { class: "fxe-noted", text: "✎", "aria-label": "note" }) : null,
      marked.tags.map((tag) => h("span", { class: "fxe-tag", text: tag })));
  }

  function open(made, item, col) {
    menu.open(made, { ...item, ...item.cells[col.name], cell: col, at: item.at }, () => made.focus({ preventScroll: true }));
  }

  function point(focus) {
    const lines = [...scroller.querySelectorAll("tbody tr")];
    const chosen = focus || model.get("view").rows[row]?.id === model.get("current");
    lines.forEach((made, at) => made.setAttribute("aria-selected", String(chosen && at === row)));
    const made = lines[row]?.children[column];
    scroller.querySelectorAll("td[tabindex='0']").forEach((item) => item.setAttribute("tabindex", "-1"));
    made?.setAttribute("tabindex", "0");
    if (focus && made) {
      made.focus({ preventScroll: true });
      made.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  function select(wait) {
    const item = model.get("view").rows[row];
    if (!item || item.id === model.get("current")) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      model.set("current", item.id);
      model.save_changes();
      send("record", { id: item.id });
    }, wait);
  }

  scroller.addEventListener("keydown", (event) => {
    const view = model.get("view"), last = view.rows.length - 1;
    if (event.target.tagName === "BUTTON") return;
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], Home: [-1e6, 0], End: [1e6, 0] };
    if (moves[event.key]) {
      row = Math.min(Math.max(row + moves[event.key][0], 0), last);
      column = Math.min(Math.max(column + moves[event.key][1], 0), columns().length - 1);
      point(true);
      select(WAIT);
    } else if (event.key === "PageDown") turn(1);
    else if (event.key === "PageUp") turn(-1);
    else if (event.key === "Enter") {
      const made = scroller.querySelectorAll("tbody tr")[row]?.children[column];
      if (made) open(made, view.rows[row], columns()[column]);
    } else return;
    event.preventDefault();
  });

  function turn(step) {
    const view = model.get("view"), at = view.at + step * view.size;
    if (at >= 0 && at < view.events) send("page", { at });
  }

  function footer(view) {
    const last = Math.min(view.at + view.rows.length, view.events);
    const end = Math.max(Math.floor((view.events - 1) / view.size) * view.size, 0);
    redraw(foot, [
      button("«", () => send("page", { at: 0 }), { "data-key": "first", disabled: view.at === 0, title: "first page", "aria-label": "first page" }),
      button("‹", () => turn(-1), { "data-key": "before", disabled: view.at === 0, title: "page before", "aria-label": "page before" }),
      h("span", { class: "fxe-where", text: view.events ? `${number(view.at + 1)}–${number(last)} of ${number(view.events)}` : "0 events" }),
      button("›", () => turn(1), { "data-key": "next", disabled: last >= view.events, title: "next page", "aria-label": "next page" }),
      button("»", () => send("page", { at: end }), { "data-key": "last", disabled: last >= view.events, title: "last page", "aria-label": "last page" }),
      h("span", { class: "fxe-gap" }),
      ...view.sizes.map((size) => button(String(size), () => send("size", { rows: size }), { "data-key": `size-${size}`, "aria-pressed": String(size === view.size) })),
      h("span", { text: "rows" }),
      h("span", { class: "fxe-spring" }),
      columnsOf(view),
    ]);
  }

  function columnsOf(view) {
    const list = h("div", { class: "fxe-columns", hidden: !chooser }, view.columns.slice(1).map((item) => {
      const box = h("input", { type: "checkbox", "data-key": `column-${item.name}` });
      box.checked = model.get("columns").includes(item.name);
      box.addEventListener("change", () => {
        const kept = model.get("columns").filter((name) => name !== item.name);
        model.set("columns", box.checked ? [...kept, item.name] : kept);
        model.save_changes();
        drawRows(model.get("view"));
      });
      return h("label", {}, box, item.label);
    }));
    const turn = (to) => { chooser = to; list.hidden = !to; toggle.setAttribute("aria-expanded", String(to)); };
    const toggle = button("Columns", () => turn(!chooser), { "data-key": "columns", "aria-expanded": String(chooser) });
    const choosing = h("span", { class: "fxe-choosing" }, list, toggle);
    choosing.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      turn(false);
      toggle.focus();
    });
    choosing.addEventListener("focusout", (event) => {
      if (chooser && choosing.isConnected && !choosing.contains(event.relatedTarget)) turn(false);
    });
    return choosing;
  }

  model.on("change:marked", draw);
  return { draw };
}

// The menu of a cell: narrow to it, leave it out, look it up.

function pivotMenu(root, send) {
  const box = h("div", { class: "fxe-menu", role: "menu", hidden: true });
  root.append(box);
  let back = () => {};
  const close = () => { box.hidden = true; };
  const done = (act) => () => { close(); back(); act(); };

  function group(kind, label, item, at) {
    const narrow = (excluded) => done(() => send("narrow", { kind, value: item.value ?? item.text, excluded }));
    const look = (held) => done(() => send("card", { kind, value: item.value ?? item.text, at, held }));
    const has = ["principal", "session", "access_key", "workload", "finding", "address", "resource"].includes(kind);
    const holds = ["address", "access_key", "session"].includes(kind) || /^eni-/.test(item.text);
    return [
      h("div", { class: "fxe-what", text: item.text, title: item.text }),
      button(`Only this ${label}`, narrow(false), { role: "menuitem" }),
      button(`Not this ${label}`, narrow(true), { role: "menuitem" }),
      has ? button("Its card", look(false), { role: "menuitem" }) : null,
      holds && at ? button("Who held it then", look(true), { role: "menuitem" }) : null,
      button("Copy", (event) => copy(item.value ?? item.text, event.target).then(() => setTimeout(done(() => {}), 500)), { role: "menuitem" }),
    ];
  }

  function times(at) {
    const around = (seconds) => done(() => send("around", { at, seconds }));
    return [
      h("div", { class: "fxe-what", text: `${at} UTC` }),
      button("1 minute around it", around(60), { role: "menuitem" }),
      button("10 minutes around it", around(600), { role: "menuitem" }),
      button("1 hour around it", around(3600), { role: "menuitem" }),
      button("From here on", done(() => send("window", { start: at, keep: "end" })), { role: "menuitem" }),
      button("Until here", done(() => send("window", { end: at, keep: "start" })), { role: "menuitem" }),
    ];
  }

  function open(near, given, returned) {
    const { cell } = given;
    const items = given.items || (given.text ? [{ text: given.text, value: given.value }] : []);
    const made = cell.name === "time" ? times(given.at) : cell.kind ? items.flatMap((item) => group(cell.kind, cell.label_one || cell.kind.replace("_", " "), item, given.at)) : [];
    if (!made.length) return;
    back = returned;
    box.replaceChildren(...made.filter(Boolean));
    box.hidden = false;
    const frame = root.getBoundingClientRect(), spot = near.getBoundingClientRect();
    const left = Math.min(spot.left - frame.left, frame.width - box.offsetWidth - 8);
    const under = spot.bottom - frame.top, over = spot.top - frame.top - box.offsetHeight;
    box.style.left = `${Math.max(left, 0)}px`;
    box.style.top = `${under + box.offsetHeight > frame.height && over > 0 ? over : Math.min(under, Math.max(frame.height - box.offsetHeight, 0))}px`;
    box.querySelector("button")?.focus({ preventScroll: true });
  }

  box.addEventListener("keydown", (event) => {
    const all = [...box.querySelectorAll("button")], at = all.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) all[(at + step + all.length) % all.length].focus();
    else if (event.key === "Escape") { close(); back(); } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const away = (event) => { if (!box.contains(event.target)) close(); };
  document.addEventListener("mousedown", away);
  return { open, close, remove: () => document.removeEventListener("mousedown", away) };
}

// Beside the table: the record, a card, the code.

function beside(model, place, send, menu) {
  const tabs = h("div", { class: "fxe-tabs", role: "tablist" });
  const pane = h("div", { class: "fxe-pane", tabindex: "0" });
  place.append(tabs, pane);
  let shown = "record", indented = true, written = "";

  function draw() {
    const top = pane.scrollTop;
    redraw(tabs, [["record", "Record"], ["card", "Card"], ["code", "Code and SQL"]].map(([name, label]) =>
      button(label, () => { shown = name; draw(); }, { role: "tab", "data-key": `tab-${name}`, "aria-selected": String(shown === name) })));
    const made = { record: recordPane, card: cardPane, code: codePane }[shown]();
    redraw(pane, made.filter(Boolean));
    pane.scrollTop = top;
  }

  function linked(kind, item, text) {
    const made = button(text || item.text, () => menu.open(made, { ...item, cell: { kind, name: kind }, at: model.get("record").time }, () => made.focus()), { class: "fxe-link", title: item.text });
    return made;
  }

  function recordPane() {
    const said = model.get("record");
    if (!said.id) return [h("p", { class: "fxe-hint", text: "Choose a row: its record, as it stands in the evidence, is shown here." })];
    const text = indented && said.pretty ? said.pretty : said.text;
    return [
      h("div", { class: "fxe-title" }, h("span", { text: `${said.source} · ${said.time ? `${said.time.slice(0, 23)} UTC` : "no time"}` })),
      said.summary ? h("p", { class: "fxe-summary", text: said.summary }) : null,
      ...said.attributed.map((item) => h("div", { class: "fxe-fact" }, badge(item.certainty), h("span", { class: "fxe-dim", text: item.question }), linked("workload", item, short(item.text)))),
      said.attributed.length ? null : h("div", { class: "fxe-fact fxe-dim", text: "not attributed to a workload" }),
      ...said.cited.map((item) => h("div", { class: "fxe-answer" }, h("span", { class: "fxe-finding", text: "◆" }), h("span", {}, linked("finding", item), h("span", { class: "fxe-dim", text: ` ${item.why}` })))),
      ...notesOf(said),
      h("div", { class: "fxe-rawhead" }, h("b", { text: "Record" }),
        said.pretty ? button("indented", () => { indented = true; draw(); }, { "data-key": "indented", "aria-pressed": String(indented) }) : null,
        said.pretty ? button("as acquired", () => { indented = false; draw(); }, { "data-key": "acquired", "aria-pressed": String(!indented) }) : null,
        h("span", { class: "fxe-spring" }),
        button("Copy", (event) => copy(said.text, event.target), { "data-key": "copy-record" })),
      said.problem ? h("p", { class: "fxe-problem", text: said.problem }) : null,
      text ? h("pre", { class: "fxe-raw", text }) : null,
      h("p", { class: "fxe-place", text: said.where }),
      h("p", { class: "fxe-place", text: `event ${said.shown}` }),
      said.sha256 ? h("p", { class: "fxe-place", text: `SHA-256 ${said.sha256}` }) : null,
    ];
  }

  function notesOf(said) {
    const marks = said.marks || { tags: [], notes: [] };
    const tag = h("input", { type: "text", placeholder: "add a tag", class: "fxe-newtag", "data-key": "newtag", maxlength: "100", "aria-label": "add a tag" });
    tag.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && tag.value.trim()) { send("tag", { id: said.id, tag: tag.value.trim() }); tag.value = ""; }
      if (event.key === "Escape") tag.value = "";
    });
    const note = h("textarea", { rows: "2", placeholder: "write a note", class: "fxe-newnote", "data-key": "newnote", "aria-label": "write a note", value: written });
    note.addEventListener("input", () => { written = note.value; });
    const keep = () => { if (written.trim()) { send("note", { id: said.id, text: written }); written = ""; } };
    note.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep(); });
    return [
      h("div", { class: "fxe-tags" },
        marks.tags.map((item) => h("span", { class: "fxe-tag", title: `by ${item.by}` }, item.tag,
          button("×", () => send("untag", { id: said.id, tag: item.tag }), { "aria-label": `take off ${item.tag}`, "data-key": `untag-${item.tag}` }))), tag),
      ...marks.notes.map((item) => h("div", { class: "fxe-note" }, h("p", { text: item.text }),
        h("span", { class: "fxe-dim", text: `${item.by}, ${item.at} UTC${item.remark ? ` · ${item.remark}` : ""}` }),
        button("withdraw", () => send("withdraw", { id: said.id, note: item.id }), { class: "fxe-quiet", "data-key": `withdraw-${item.id}` }))),
      h("div", { class: "fxe-writing" }, note, button("Add note", keep, { "data-key": "addnote" })),
    ];
  }

  function cardPane() {
    const card = model.get("card");
    if (!card.heading) return [h("p", { class: "fxe-hint", text: "Click a principal, workload, key, session or address in the table, then “Its card” or “Who held it then”." })];
    return [
      h("div", { class: "fxe-title" }, h("span", { class: "fxe-dim", text: card.kind }), h("b", { text: card.heading })),
      card.coverage.word ? h("div", { class: "fxe-answer" }, wordOf(card.coverage.word), h("span", { class: "fxe-dim", text: card.coverage.text })) : null,
      ...card.answers.map((item) => h("div", { class: "fxe-answer" }, item.certainty ? badge(item.certainty) : null, h("span", { text: item.text }))),
      card.facts.length ? h("dl", {}, card.facts.flatMap(([name, text]) => [h("dt", { text: name }), h("dd", { text })])) : null,
      ...card.parts.map((part) => h("section", { class: "fxe-part" },
        h("h4", { text: part.total > 1 ? `${part.title} (${number(part.total)})` : part.title }),
        part.rows.length ? h("div", { class: "fxe-small" }, h("table", {},
          h("thead", {}, h("tr", {}, part.headings.map((text) => h("th", { text })))),
          h("tbody", {}, part.rows.map((cells) => h("tr", {}, cells.map((item) => h("td", { title: item.text }, item.certainty ? badge(item.certainty) : item.kind ? linked(item.kind, item, short(item.text)) : item.text))))))) : h("p", { class: "fxe-dim", text: part.none }),
        part.total > part.rows.length && part.rows.length ? h("p", { class: "fxe-dim", text: `… and ${number(part.total - part.rows.length)} more` }) : null)),
      h("div", { class: "fxe-rawhead" }, h("code", { text: card.call }), h("span", { class: "fxe-spring" }), button("Copy", (event) => copy(card.call, event.target), { "data-key": "copy-call" })),
    ];
  }

  function codePane() {
    const view = model.get("view");
    return [["Python", view.code], ["SQL, as Python", view.sql]].flatMap(([name, text]) => [
      h("div", { class: "fxe-rawhead" }, h("b", { text: name }), h("span", { class: "fxe-spring" }), button("Copy", (event) => copy(text, event.target), { "data-key": `copy-${name}` })),
      h("pre", { class: "fxe-raw", text }),
    ]);
  }

  model.on("change:record", () => { shown = "record"; draw(); });
  model.on("change:card", () => { shown = "card"; pane.scrollTop = 0; draw(); });
  model.on("change:view", () => { if (shown === "code") draw(); });
  draw();
}

export default {
  render(given) {
    given.el.classList.add("fxe-root");
    return (given.model.get("part") === "head" ? head : body)(given);
  },
};
