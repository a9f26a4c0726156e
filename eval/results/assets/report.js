"use strict";
// Sorts tables by a column and shows the questions that a filter lets through. Reads and reorders what
// the page holds; makes no markup of data.

const number = (cell) => (cell.dataset.value === undefined ? NaN : parseFloat(cell.dataset.value));

function order(a, b, column, falling) {
  const [one, other] = [a.cells[column], b.cells[column]];
  if (one.dataset.value === undefined) {
    const names = one.textContent.localeCompare(other.textContent, "en", { numeric: true });
    return falling ? -names : names;
  }
  const [x, y] = [number(one), number(other)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y); // nothing is last
  return falling ? y - x : x - y;
}

function sort(table, header, column) {
  const numeric = table.tBodies[0].rows[0]?.cells[column].dataset.value !== undefined;
  const before = header.getAttribute("aria-sort");
  const falling = before ? before === "ascending" : numeric;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].sort((a, b) => order(a, b, column, falling));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(table, header, column));
  });
}

const form = document.getElementById("filter");
if (form) {
  const queries = [...document.querySelectorAll(".query")];
  const texts = new Map();
  const textOf = (query) => {
    if (!texts.has(query)) texts.set(query, query.textContent.toLowerCase());
    return texts.get(query);
  };
  const apply = () => {
    const wanted = form.elements.text.value.trim().toLowerCase();
    const system = form.elements.system.value;
    const stage = form.elements.stage.value;
    let shown = 0;
    for (const query of queries) {
      let any = false;
      for (const miss of query.querySelectorAll(".miss")) {
        const fits = (!system || miss.dataset.system === system) && (!stage || miss.dataset.stage === stage);
        miss.hidden = !fits;
        any ||= fits;
      }
      query.hidden = !(any && (!wanted || textOf(query).includes(wanted)));
      shown += !query.hidden;
    }
    form.querySelector("[role=status]").textContent = `${shown} of ${queries.length} questions`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}

// A link to a question opens it.
const open = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
};
addEventListener("hashchange", open);
open();
