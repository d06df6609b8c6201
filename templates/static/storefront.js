// The shop window: titles while somebody writes, and filters that count at once.

const field = document.querySelector("#q");
const list = document.querySelector("#suggestions");
const WAIT_MS = 120;
let waiting = 0;
let asked = 0;
let marked = -1;

function close() {
  list.hidden = true;
  list.replaceChildren();
  marked = -1;
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

function show(found) {
  close();
  found.forEach((one, index) => {
    const link = document.createElement("a");
    link.href = one.url;
    link.textContent = one.title;
    link.tabIndex = -1;
    const item = document.createElement("li");
    item.id = `suggestion-${index}`;
    item.setAttribute("role", "option");
    item.append(link);
    list.append(item);
  });
  list.hidden = found.length === 0;
  field.setAttribute("aria-expanded", String(found.length > 0));
}

async function ask() {
  const text = field.value.trim();
  const mine = ++asked;
  if (text.length < 2) return close();
  try {
    const answer = await fetch(`/shop/suggest?q=${encodeURIComponent(text)}`);
    const found = answer.ok ? await answer.json() : [];
    if (mine === asked && document.activeElement === field) show(found);
  } catch {
    close(); // without titles the search itself still works
  }
}

function mark(step) {
  const items = [...list.children];
  if (!items.length) return;
  items[marked]?.removeAttribute("aria-selected");
  marked = (marked + step + items.length) % items.length;
  items[marked].setAttribute("aria-selected", "true");
  field.setAttribute("aria-activedescendant", items[marked].id);
}

field?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(ask, WAIT_MS);
});
field?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    mark(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") {
    close();
  } else if (event.key === "Enter" && marked >= 0) {
    event.preventDefault();
    list.children[marked].querySelector("a").click();
  }
});
document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".seek")) close();
});

const wide = matchMedia("(min-width: 900px)");
document.querySelectorAll("[data-open-wide]").forEach((box) => {
  if (wide.matches) box.open = true;
});
document.querySelectorAll("[data-at-once]").forEach((control) => {
  control.addEventListener("change", () => {
    if (wide.matches) control.form.requestSubmit();
  });
});
