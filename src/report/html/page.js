// The state of the filters lives in the address behind the number sign, so that it can be sent to somebody.
(() => {
  "use strict";
  const form = document.querySelector("form");
  const output = document.querySelector("output");
  const rows = [...document.querySelectorAll("tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const told = output.textContent;
  form.hidden = false;

  const show = () => {
    const wanted = new FormData(form);
    const words = wanted.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, number) => {
      const fits = ["severity", "rule", "file"].every((name) => !wanted.get(name) || row.dataset[name] === wanted.get(name))
        && words.every((word) => texts[number].includes(word));
      row.hidden = !fits;
      count += fits;
    });
    output.textContent = count === rows.length ? told : `${count} of ${rows.length} findings fit. ${told}`;
  };

  const read = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const name of ["q", "severity", "rule", "file"]) {
      const field = form.elements[name];
      field.value = state.get(name) || "";
      if (field.selectedIndex === -1) field.value = "";
    }
    show();
  };

  const write = () => {
    const state = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) state.set(name, value);
    const hash = state.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    show();
  };

  form.addEventListener("input", write);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", read);
  read();
})();
