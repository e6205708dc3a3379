"use strict";
// Headings become buttons that sort their table: ascending, then descending.
const number = (text) => {
  const found = text.replace(/[,\u2009]/g, "").match(/^[<>]?\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i);
  return found ? parseFloat(found[1]) : NaN;
};
const compare = (first, second) => {
  const [a, b] = [number(first), number(second)];
  if (Number.isNaN(a) && Number.isNaN(b)) return first.localeCompare(second);
  if (Number.isNaN(a)) return 1;
  return Number.isNaN(b) ? -1 : a - b;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((each) => each.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const text = (row) => row.cells[column].textContent.trim();
      const rows = [...table.tBodies[0].rows];
      const empty = (row) => text(row) === "" || text(row) === "n/a";
      rows.sort((a, b) => empty(a) - empty(b) || (down ? -1 : 1) * compare(text(a), text(b)));
      table.tBodies[0].append(...rows);
    });
  });
}
