// Live updates for the back office: every page works without this file.
"use strict";

const MINUTE = 60, HOUR = 3600, DAY = 86400;

function ago(seconds) {
  if (seconds < 5) return "just now";
  if (seconds < MINUTE) return `${Math.floor(seconds)} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return null;
}

function left(seconds) {
  if (seconds <= 0) return "now: the offer is over";
  const s = Math.ceil(seconds), part = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / HOUR);
  return `in ${hours ? `${hours}:` : ""}${part(Math.floor((s % HOUR) / MINUTE))}:${part(s % MINUTE)}`;
}

function tellTimes() {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const at = new Date(time.dateTime);
    const words = ago(Math.max(0, now - at) / 1000);
    time.textContent = words ?? at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    time.title = at.toLocaleString();
  }
  for (const time of document.querySelectorAll("time[data-until]")) {
    const seconds = (new Date(time.dateTime) - now) / 1000;
    time.textContent = left(seconds);
    time.classList.toggle("soon", seconds < MINUTE);
  }
}

// The server sends whole elements with ids; each takes the place of the one with its id.
function take(html) {
  const sent = document.createElement("template");
  sent.innerHTML = html;
  for (const fresh of [...sent.content.children]) {
    const old = document.getElementById(fresh.id);
    if (!old || isBeingFilledIn(old)) continue;
    markNewRows(old, fresh);
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus();
  }
  tellTimes();
}

// What somebody is typing, or has to mend, is not taken from under their fingers.
function isBeingFilledIn(part) {
  const typed = [...part.querySelectorAll("input:not([type=hidden])")];
  return typed.some((field) => field.value !== field.defaultValue || field.getAttribute("aria-invalid") === "true");
}

function markNewRows(old, fresh) {
  const known = new Set([...old.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  for (const row of fresh.querySelectorAll("[data-row]")) {
    if (!known.has(row.dataset.row)) row.classList.add("fresh");
  }
}

// A browser opens six connections to one host at most, so only the window one looks at has a feed.
function followWhileSeen(part) {
  let source = null;
  const look = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else {
      source ??= follow(part);
    }
  };
  document.addEventListener("visibilitychange", look);
  look();
}

function follow(part) {
  const source = new EventSource(part.dataset.feed);
  source.onmessage = (event) => {
    take(event.data);
    const status = document.getElementById("board-status")?.dataset.status;
    if (status && status !== part.dataset.status) location.reload();
  };
  source.addEventListener("bye", () => {
    source.close();
    location.reload();
  });
  source.onopen = () => part.classList.remove("cut-off");
  source.onerror = () => part.classList.add("cut-off");
  return source;
}

function offerCopies() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("input").value);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
}

document.querySelectorAll("[data-feed]").forEach(followWhileSeen);
offerCopies();
tellTimes();
setInterval(tellTimes, 1000);
