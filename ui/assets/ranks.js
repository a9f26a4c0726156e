// Draws the lists of a search side by side, lines between the places of one passage, and times as a bar. Text gets
// in through text nodes only, so nothing that a document says can become markup.
const ROW = 54; // pixels of a passage; the lines are drawn for this height
const GAP = 44; // pixels between two lists
const SVG = "http://www.w3.org/2000/svg";

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function row(item, chosen, choose) {
  const rank = make("span", "rank", String(item.rank));
  const where = make("span", "where", item.where);
  const name = make("span", "name", make("bdi", "", item.name));
  const text = make("span", "text", make("bdi", "", item.text));
  const button = make("button", "row", rank, make("span", "said", make("span", "top", name, where), text));
  button.type = "button";
  button.dataset.chunk = item.chunk;
  if (item.chunk === chosen) button.setAttribute("aria-current", "true");
  button.onclick = () => choose(item.chunk);
  return make("li", "", button);
}

function column(list, data, choose) {
  const title = make("h2", "", list.title, make("span", "note", list.note));
  title.id = `list-${list.id}`;
  const rows = make("ol", "", ...list.rows.map((item) => row(item, data.chosen, choose)));
  rows.setAttribute("aria-labelledby", title.id);
  const column = make("section", "list", title, list.rows.length ? rows : make("p", "empty", list.empty));
  column.dataset.list = list.id;
  return column;
}

// From each passage's place in a list to its place in the result; the result stands to the right of `from`.
function lines(from, result, mirrored, chosen) {
  const places = new Map(from.rows.map((item, place) => [item.chunk, place]));
  const svg = document.createElementNS(SVG, "svg");
  const height = ROW * Math.max(from.rows.length, result.rows.length, 1);
  svg.setAttribute("viewBox", `0 0 ${GAP} ${height}`);
  svg.setAttribute("height", String(height));
  svg.setAttribute("aria-hidden", "true");
  result.rows.forEach((item, place) => {
    if (!places.has(item.chunk)) return;
    const ends = [places.get(item.chunk), place].map((at) => (at + 0.5) * ROW);
    const [left, right] = mirrored ? ends.reverse() : ends;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M0 ${left} C${GAP / 2} ${left} ${GAP / 2} ${right} ${GAP} ${right}`);
    path.dataset.chunk = item.chunk;
    if (item.chunk === chosen) path.classList.add("chosen");
    svg.append(path);
  });
  return make("div", "lines", svg);
}

function tabs(root, lists) {
  const bar = make("div", "tabs");
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Which list");
  const open = (id) => {
    root.dataset.tab = id;
    for (const tab of bar.children) tab.setAttribute("aria-pressed", String(tab.dataset.tab === id));
  };
  for (const list of lists) {
    const tab = make("button", "", list.title);
    tab.type = "button";
    tab.dataset.tab = list.id;
    tab.onclick = () => open(list.id);
    bar.append(tab);
  }
  open(root.dataset.tab || "hits");
  return bar;
}

function pointed(root, chunk) {
  for (const element of root.querySelectorAll("[data-chunk]")) {
    element.classList.toggle("same", element.dataset.chunk === chunk);
  }
}

function drawLists(root, data, choose) {
  const [dense, hits, lexical] = data.lists;
  const focused = root.querySelector(".row:focus");
  const [chunk, list] = focused ? [focused.dataset.chunk, focused.closest(".list").dataset.list] : [];
  const columns = data.lists.map((each) => column(each, data, choose));
  root.replaceChildren(
    tabs(root, data.lists),
    columns[0], lines(dense, hits, false, data.chosen),
    columns[1], lines(lexical, hits, true, data.chosen),
    columns[2],
  );
  root.onpointerover = root.onfocusin = (event) => pointed(root, event.target.closest?.("[data-chunk]")?.dataset.chunk);
  root.onpointerleave = () => pointed(root, undefined);
  if (chunk) root.querySelector(`[data-list="${list}"] [data-chunk="${chunk}"]`)?.focus({ preventScroll: true });
}

function drawTimes(root, data) {
  const bar = make("div", "bar", ...data.parts.map((part, place) => {
    const piece = make("span", `part part-${place}`);
    piece.style.flexGrow = String(part.ms);
    return piece;
  }));
  bar.setAttribute("aria-hidden", "true");
  const words = data.parts.map((part, place) =>
    make("li", "", make("span", `dot part-${place}`), `${part.name} ${part.ms.toFixed(1)} ms`));
  root.replaceChildren(bar, make("ul", "legend", ...words));
}

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".ranks");
  if (!root) {
    root = document.createElement("div");
    parentElement.append(root);
  }
  const wanted = JSON.stringify(data);
  if (root.dataset.shown === wanted) return;
  root.dataset.shown = wanted;
  root.className = `ranks ${data.kind}`;
  if (data.kind === "times") drawTimes(root, data);
  else drawLists(root, data, (chunk) => setTriggerValue("chosen", chunk));
}
