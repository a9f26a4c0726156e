// Draws what the library shows in lists: documents, chunks, pages, facts. Elements come only from this file and text only
// through textContent, so nothing that a document or a file name holds can become markup.

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick" || name === "onchange") element[name] = value;
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// Documents: rows to open, to choose several of, and to delete those.

function table(data, root, send) {
  const chosen = root.chosen ?? (root.chosen = new Set());
  const ids = new Set(data.rows.map((row) => row.id));
  for (const id of chosen) if (!ids.has(id)) chosen.delete(id);
  const boxes = [];
  const count = el("span", { class: "count", "aria-live": "polite" });
  const all = el("input", { type: "checkbox", "aria-label": "Choose every document on this page" });
  const remove = el("button", { type: "button", class: "strong", onclick: () => {
    send("remove", [...chosen]);
    chosen.clear();
    told();
  } }, "Delete");
  const clear = el("button", { type: "button", class: "quiet", onclick: () => choose(data.rows, false) }, "Clear");
  const bar = el("div", { class: "bar", hidden: true }, count, remove, clear);
  const told = () => {
    count.textContent = `${chosen.size} chosen`;
    bar.hidden = !chosen.size;
    all.checked = chosen.size > 0 && chosen.size === data.rows.length;
    all.indeterminate = chosen.size > 0 && !all.checked;
    for (const box of boxes) {
      box.checked = chosen.has(box.value);
      box.closest("tr").classList.toggle("chosen", box.checked);
    }
  };
  const choose = (rows, on) => {
    for (const row of rows) on ? chosen.add(row.id) : chosen.delete(row.id);
    told();
  };
  all.onchange = () => choose(data.rows, all.checked);
  const lines = data.rows.map((row) => {
    const box = el("input", { type: "checkbox", value: row.id, "aria-label": `Choose ${row.title}`, onchange: () => choose([row], box.checked) });
    boxes.push(box);
    const open = () => send("open", row.id);
    const figure = (value, name) => el("td", { class: "figure", "data-name": value ? name : null }, value);
    return el("tr", { onclick: (event) => event.target.closest("button, input, .pick") || open() },
      el("td", { class: "pick" }, box),
      el("td", { class: "what" },
        el("button", { type: "button", class: "name", dir: "auto", onclick: open }, row.title),
        el("div", { class: "sub", dir: "auto" }, row.sub),
        row.reason ? el("div", { class: "reason", dir: "auto" }, row.reason) : null),
      el("td", { class: "state" }, el("span", { class: `mark ${row.tone}` }, row.state)),
      figure(row.pages, row.pages === "1" ? "page" : "pages"), figure(row.chunks, row.chunks === "1" ? "chunk" : "chunks"), figure(row.size, ""), figure(row.added, ""));
  });
  const titles = ["Pages", "Chunks", "Size", "Added"].map((name) => el("th", { scope: "col", class: "figure" }, name));
  const head = el("tr", {}, el("th", { class: "pick" }, all), el("th", { scope: "col" }, "Document"), el("th", { scope: "col" }, "State"), ...titles);
  const frame = el("div", { class: "frame" }, bar,
    el("table", {}, el("caption", {}, "Documents"), el("thead", {}, head), el("tbody", {}, ...lines)));
  root.replaceChildren(frame);
  told();
}

// Chunks: each with where it stands, and what it repeats of the one before it.

function chunks(data, root) {
  root.replaceChildren(el("ol", { class: "chunks", start: data.items[0]?.n ?? 1 }, ...data.items.map((item) => el("li", { class: "chunk" },
    el("div", { class: "facts" },
      el("span", { class: "n" }, `Chunk ${item.n}`),
      ...item.facts.map((fact) => el("span", {}, fact)),
      item.headings ? el("span", { class: "headings", dir: "auto" }, item.headings) : null),
    el("div", { class: "text", dir: "auto" },
      item.repeated ? el("span", { class: "repeated", title: "Repeated from the chunk before" }, item.repeated) : null, item.text)))));
}

// Pages: a bar each, as high as the page has text, in the colour of where that came from.

function pages(data, root) {
  const bars = data.bars.map((bar) => el("i", { class: bar.origin, title: bar.words }));
  bars.forEach((bar, n) => bar.style.setProperty("--height", data.bars[n].height));
  const keys = data.keys.map((key) => el("span", { class: `key ${key.origin}` }, key.words));
  root.replaceChildren(
    el("div", { class: "strip", role: "img", "aria-label": data.words }, ...bars),
    el("div", { class: "keys", "aria-hidden": "true" }, ...keys));
}

// Facts: names and values.

function facts(data, root) {
  root.replaceChildren(el("dl", {}, ...data.items.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)])));
}

// Files of an upload, with what became of each.

function files(data, root) {
  root.replaceChildren(el("ul", { class: "files" }, ...data.items.map((item) => el("li", {},
    el("span", { class: `mark ${item.tone}`, dir: "auto" }, item.name),
    el("span", { class: "state" }, item.state),
    item.words ? el("div", { class: "words", dir: "auto" }, item.words) : null))));
}

const KINDS = { table, chunks, pages, facts, files };

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".shelf");
  if (!root) {
    root = el("div");
    parentElement.append(root);
  }
  const wanted = JSON.stringify(data);
  if (root.dataset.shown === wanted) return;
  root.dataset.shown = wanted;
  root.className = `shelf ${data.kind}`;
  KINDS[data.kind](data, root, setTriggerValue);
}
