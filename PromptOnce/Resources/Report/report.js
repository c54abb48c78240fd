"use strict";

const table = document.getElementById("cases");
const titles = Array.from(table.tHead.rows[0].cells);
const textTitles = new Set(["Case", "Group", "Reviewed"]);

// A missing value comes last in either order; equal ones keep the order they were in.
function sortBy(title) {
  const place = titles.indexOf(title);
  const first = title.querySelector("button").dataset.first;
  const other = first === "ascending" ? "descending" : "ascending";
  const order = title.getAttribute("aria-sort") === first ? other : first;
  const sign = order === "ascending" ? 1 : -1;
  const asText = textTitles.has(title.textContent);
  const keyed = Array.from(table.tBodies, (body) => [body.rows[0].cells[place].dataset.sort ?? "", body]);
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (asText ? a.localeCompare(b, undefined, { numeric: true }) : Number(a) - Number(b));
  });
  for (const one of titles) {
    if (one.hasAttribute("aria-sort")) one.setAttribute("aria-sort", one === title ? order : "none");
  }
  table.append(...keyed.map(([, body]) => body));
}

const find = document.getElementById("find");
const state = document.getElementById("state");
const count = document.getElementById("count");

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const states = state.value.split(" ").filter(Boolean);
  let shown = 0;
  for (const body of table.tBodies) {
    const fits = words.every((word) => body.dataset.search.includes(word));
    body.hidden = !fits || (states.length > 0 && !states.includes(body.dataset.state));
    shown += body.hidden ? 0 : 1;
  }
  count.textContent = `${shown} of ${table.tBodies.length} shown`;
}

// The picture of the slice to look at is in the page once; unfolded, a case shows it a second time, larger.
function showLookSlice(event) {
  const details = event.target;
  const figure = details.querySelector(".look-slice");
  const picture = details.closest("tbody")?.querySelector("img.look");
  if (!details.open || !figure || !picture || !figure.hidden) return;
  figure.prepend(picture.cloneNode());
  figure.hidden = false;
}

for (const title of titles) title.querySelector("button")?.addEventListener("click", () => sortBy(title));
find.addEventListener("input", filter);
state.addEventListener("change", filter);
table.addEventListener("toggle", showLookSlice, true);
filter();
