// Searches, filters and orders the table. What is chosen lives in the address behind the number sign, so that a view can
// be sent to somebody.
(() => {
  "use strict";
  const form = document.querySelector("form");
  if (!form) return;
  const names = ["q", "severity", "rule", "file", "member", "order"];
  const output = document.querySelector("output");
  const body = document.querySelector("tbody");
  const opener = form.elements.open;
  const label = output.textContent;
  const rows = [...body.rows].map((row, number) => {
    const [line, column] = row.dataset.at.split(":").map(Number);
    return { row, number, line, column, ...row.dataset, text: null };
  });

  // What is said in a row, without the lines behind it.
  const text = (row) => [...row.cells].slice(0, 2).concat(row.querySelector(".said")).map((part) => part.textContent).join("\n");
  const orders = {
    place: ["file", "line", "column"],
    rule: ["rule", "file", "line", "column"],
    member: ["member", "file", "line", "column"],
  };
  const by = (keys) => (a, b) => {
    const key = keys.find((key) => a[key] !== b[key]);
    return key === undefined ? a.number - b.number : a[key] < b[key] ? -1 : 1;
  };
  let ordered = "";
  const order = (wanted) => {
    if (wanted === ordered) return;
    ordered = wanted;
    body.append(...[...rows].sort(by(orders[wanted] || [])).map((entry) => entry.row));
  };

  const show = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const entry of rows) {
      if (words.length) entry.text ??= text(entry.row).toLowerCase();
      const fits = ["severity", "rule", "file", "member"].every((name) => !wanted[name] || entry[name] === wanted[name])
        && words.every((word) => entry.text.includes(word));
      entry.row.hidden = !fits;
      count += fits;
    }
    order(wanted.order);
    opener.textContent = "Open all";
    output.textContent = count === rows.length ? label : label.replace(/^\d+/, `${count} of $&`);
  };

  const read = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    // Another address is a place in the page; what is chosen stays.
    if (location.hash && !names.some((name) => state.has(name))) return document.getElementById(location.hash.slice(1))?.focus();
    for (const name of names) {
      const field = form.elements[name];
      field.value = state.get(name) ?? "";
      if (field.selectedIndex === -1) field.value = "";
    }
    show();
  };

  const write = () => {
    const state = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) state.set(name, value);
    const hash = state.toString();
    try {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    } catch {
      // A viewer that shows the page inside another may keep the address to itself.
    }
    show();
  };

  form.addEventListener("input", write);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(write));
  opener.addEventListener("click", () => {
    const open = opener.textContent === "Open all";
    for (const { row } of rows) if (!row.hidden) row.querySelectorAll("details").forEach((details) => { details.open = open; });
    opener.textContent = open ? "Close all" : "Open all";
  });
  // A bar of a chart shows what it counts.
  document.querySelectorAll(".charts a, .overview a").forEach((link) => link.addEventListener("click", () => {
    setTimeout(() => document.getElementById("findings").scrollIntoView());
  }));
  addEventListener("hashchange", read);
  form.hidden = false;
  show();
  read();
})();
