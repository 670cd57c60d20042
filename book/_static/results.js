/* Sorts and filters the table of all statements; without this file the whole table stands.
   What is chosen is kept in the address behind '#', so that a view can be linked. */
"use strict";
(() => {
  const table = document.querySelector("table.results-all");
  const form = document.querySelector("form.results-filters");
  if (!table || !form) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.querySelectorAll("th[data-sorts]")];
  const fields = [...form.querySelectorAll("select, input")];
  const shown = form.querySelector("[role=status] span");
  const key = head => head.textContent.trim().toLowerCase().replace(/ /g, "-");
  let sort = {by: heads[0], down: false};

  // "Eq. (29)," and "eq 29" are the same; the dot of 2.3 stays.
  const plain = text => " " + text.toLowerCase().replace(/[^\p{L}\p{N}.|]+|\.(?!\d)/gu, " ")
    .replace(/ +/g, " ").trim();
  const texts = new Map(rows.map(row => [row, plain(row.dataset.find)]));

  const matches = (row, {name, value}) => {
    if (!value.trim()) return true;
    if (name === "find") return texts.get(row).includes(plain(value));
    return row.dataset[name].split(name === "evidence" ? " " : "|").includes(value);
  };

  const filter = () => {
    rows.forEach(row => { row.hidden = !fields.every(field => matches(row, field)); });
    const count = String(rows.filter(row => !row.hidden).length);
    if (shown.textContent !== count) shown.textContent = count;
  };

  const order = () => {
    const column = sort.by.cellIndex;
    const value = row => row.cells[column].dataset.sort;
    const sign = sort.down ? -1 : 1;
    // Rows without a value come last either way; equal rows stay in the papers' order.
    const compare = (a, b) => (value(a) === "") - (value(b) === "") || sign * (value(a) - value(b));
    body.append(...[...rows].sort(compare));
    heads.forEach(head => head.setAttribute("aria-sort",
      head !== sort.by ? "none" : sort.down ? "descending" : "ascending"));
  };

  const remember = () => {
    const state = new URLSearchParams();
    fields.forEach(({name, value}) => value.trim() && state.set(name, value));
    if (sort.by !== heads[0] || sort.down) state.set("sort", key(sort.by));
    if (sort.down) state.set("down", "yes");
    // Without a choice the address names no place in the page, and the page stays where it is.
    history.replaceState(null, "", state.size ? `#${state}` : location.href.split("#")[0]);
  };

  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    if (location.hash && !location.hash.includes("=")) return;  // a place in the page
    fields.forEach(field => { field.value = state.get(field.name) ?? ""; });
    fields.filter(field => field.selectedIndex === -1).forEach(field => { field.value = ""; });
    const by = heads.find(head => key(head) === state.get("sort")) ?? heads[0];
    sort = {by, down: state.has("down")};
    order();
    filter();
  };

  const change = () => { filter(); remember(); };
  form.addEventListener("input", change);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    sort = {by: heads[0], down: false};
    order();
    change();
  }));
  heads.forEach(head => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      sort = {by: head, down: sort.by === head && !sort.down};
      order();
      remember();
    });
  });
  window.addEventListener("hashchange", recall);
  form.hidden = false;
  order();
  recall();
})();
