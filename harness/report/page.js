"use strict";
// Lets tables be sorted and filtered, and marks of figures say their values. Without it the page
// says the same.

const units = JSON.parse(document.getElementById("units").textContent);

// What a cell is sorted by: its first number in its unit, or else its words.
function weight(cell) {
  const text = cell.firstChild ? cell.firstChild.textContent.trim() || cell.textContent.trim() : "";
  const found = text.replace(/[\u00a0\u202f]/g, " ").match(/^([+-]?\d[\d ]*(?:\.\d+)?(?:e[+-]?\d+)?) ?(\S*)/);
  if (!found) return [1, text.toLowerCase()];
  return [0, parseFloat(found[1].replace(/ /g, "")) * (units[found[2]] || 1)];
}

function compare(a, b) {
  if (a[0] !== b[0]) return a[0] - b[0];
  return a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
}

function sort(table, head, place) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => row.cells.length > place && !row.matches(".group"));
    const rest = [...body.rows].filter((row) => row.cells.length <= place && !row.matches(".group"));
    const weights = new Map(rows.map((row) => [row, weight(row.cells[place])]));
    rows.sort((a, b) => (down ? -1 : 1) * compare(weights.get(a), weights.get(b)));
    body.append(...rows, ...rest);
  }
}

function filter(table, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (text) => wanted.every((word) => text.toLowerCase().includes(word));
  for (const body of table.tBodies) {
    const group = body.querySelector(".group");
    const named = group !== null && holds(group.textContent);
    let shown = 0;
    for (const row of body.rows) {
      if (row === group) continue;
      row.hidden = !(named || holds(`${group ? group.textContent : ""} ${row.textContent}`));
      shown += !row.hidden;
    }
    if (group) group.hidden = shown === 0;
  }
}

for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head, place));
    head.append(button);
  });
  if (table.rows.length > 12) {
    const label = document.createElement("label");
    label.className = "filter";
    const input = document.createElement("input");
    input.type = "search";
    input.addEventListener("input", () => filter(table, input.value));
    label.append("Show rows with ", input);
    table.before(label);
  }
}

const value = document.createElement("div");
value.id = "value";
value.setAttribute("role", "status");
value.hidden = true;
document.body.append(value);

function tell(mark) {
  const place = mark.getBoundingClientRect();
  value.textContent = mark.dataset.value;
  value.hidden = false;
  const right = document.documentElement.clientWidth - value.offsetWidth - 4;
  value.style.left = `${Math.max(4, Math.min(place.left + scrollX, right))}px`;
  value.style.top = `${place.bottom + scrollY + 6}px`;
}

for (const mark of document.querySelectorAll(".mark[data-value]")) {
  mark.setAttribute("tabindex", "0");
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", mark.dataset.value);
  mark.closest("svg").setAttribute("role", "group");
  for (const name of ["pointerenter", "focus"]) mark.addEventListener(name, () => tell(mark));
  for (const name of ["pointerleave", "blur"]) mark.addEventListener(name, () => { value.hidden = true; });
}

// A link to something within a closed verdict opens it.
function open() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", open);
open();
