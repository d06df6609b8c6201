// The live room: joins the socket, the stage and the two chats.

import { Connection, Unsent, freshId } from "./live_connection.js";
import { $, DeskTalk, RoomTalk, Stage } from "./live_view.js";

const ANSWER_EXPECTED = 6000; // after that we ask whether an answer was missed
const TYPING_MAX = 20000;

const texts = JSON.parse(document.body.dataset.texts);
const slug = document.body.dataset.slug;
const unsent = new Unsent(`livetill:${slug}:unsent`);
const stage = new Stage(texts, JSON.parse(document.body.dataset.state));
const room = new RoomTalk();
const desk = new DeskTalk(texts, press);
const wide = matchMedia("(min-width: 960px)");
let unread = 0;
let offlineSince = null;
let answerTimers = [];

const connection = new Connection({
  address: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live/${encodeURIComponent(slug)}/socket`,
  unsent,
  place: () => ({ number: desk.number, chat: room.seq }),
  on: {
    online: () => {
      clearTimeout(offlineSince);
      $("connection").hidden = true;
    },
    offline: () => {
      clearTimeout(offlineSince);
      offlineSince = setTimeout(() => banner(texts.reconnecting), 800);
    },
    ack,
    refused,
    reply: (frame) => {
      if (!desk.reply(frame.number, frame.reply)) return;
      awaitAnswer(false);
      notice("desk", "");
      if (!deskShown()) count(unread + 1);
    },
    history: (frame) => desk.history(frame, unsent.all().filter((one) => one.type === "say")),
    state: (frame) => {
      stage.show(frame);
      closeRoom(frame.session.status);
    },
    watching: (frame) => stage.watching(frame.count),
    room: (frame) => room.add(frame),
  },
});
closeRoom(JSON.parse(document.body.dataset.state).session.status);
unsent.all().filter((one) => one.type === "room").forEach((one) => room.pending(one, ownName()));

function banner(text) {
  $("connection").textContent = text;
  $("connection").hidden = false;
}

function ack(frame) {
  if (frame.seq) {
    room.settled(frame);
    notice("room", "");
    return;
  }
  desk.mark(frame.id, "sent");
  awaitAnswer(true);
}

function refused(frame, again) {
  const inRoom = Boolean(document.querySelector(`#room-talk [data-id="${CSS.escape(frame.id || "")}"]`));
  notice(inRoom ? "room" : "desk", frame.text);
  if (again || !frame.id) return;
  if (inRoom) room.drop(frame.id);
  else desk.mark(frame.id, "failed");
}

function notice(where, text) {
  $(`${where}-notice`).textContent = text;
  $(`${where}-notice`).hidden = !text;
}

function awaitAnswer(on) {
  answerTimers.forEach(clearTimeout);
  desk.typing(on);
  answerTimers = on
    ? [
        setTimeout(() => connection.hello(), ANSWER_EXPECTED),
        setTimeout(() => desk.typing(false), TYPING_MAX),
      ]
    : [];
}

// Saying something to the shop

function say(frame, shown) {
  const whole = { type: "say", id: freshId(), label: shown, ...frame };
  desk.said(whole.id, shown, "sending");
  connection.send(whole);
}

function press(choice, label) {
  say({ choice }, label);
}

$("buy").addEventListener("click", () => {
  showTab("desk");
  say({ start: true }, texts.buy);
});

$("desk-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $("desk-field");
  if (!field.value.trim()) return;
  say({ text: field.value }, field.value);
  field.value = "";
  grow(field);
});

$("desk-field").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("desk-form").requestSubmit();
  }
});

$("desk-field").addEventListener("input", (event) => grow(event.target));

function grow(field) {
  field.rows = Math.min(4, Math.max(1, field.value.split("\n").length, Math.ceil(field.value.length / 36)));
}

// Saying something in public

$("room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $("room-field");
  if (!field.value.trim()) return;
  const frame = { type: "room", id: freshId(), text: field.value, name: stored("name") };
  room.pending(frame, ownName());
  connection.send(frame);
  field.value = "";
});

$("name-button").addEventListener("click", () => {
  const form = $("name-form");
  form.hidden = !form.hidden;
  $("name-field").value = stored("name");
  if (!form.hidden) $("name-field").focus();
});

$("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  store("name", $("name-field").value.trim());
  $("name-form").hidden = true;
  nameButton();
  $("room-field").focus();
});

function ownName() {
  return stored("name") || texts.fan;
}

function nameButton() {
  $("name-button").textContent = (stored("name") || "☺").slice(0, 1).toUpperCase();
}

function stored(name) {
  try {
    return localStorage.getItem(`livetill:${name}`) || "";
  } catch {
    return "";
  }
}

function store(name, value) {
  try {
    localStorage.setItem(`livetill:${name}`, value);
  } catch {
    // No store, no name kept: the fan is asked again next time.
  }
}

function closeRoom(status) {
  const closed = status !== "live";
  for (const element of $("room-form").elements) element.disabled = closed;
}

// Tabs on the phone

const tabs = { room: $("tab-room"), desk: $("tab-desk") };

function showTab(name, focus = false) {
  document.body.dataset.tab = name;
  for (const [key, tab] of Object.entries(tabs)) {
    tab.setAttribute("aria-selected", String(key === name));
    tab.tabIndex = key === name ? 0 : -1;
  }
  if (focus) tabs[name].focus();
  if (name === "desk") count(0);
  (name === "desk" ? desk : room).scroll.toEnd();
}

for (const [name, tab] of Object.entries(tabs)) {
  tab.addEventListener("click", () => showTab(name));
  tab.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      showTab(name === "room" ? "desk" : "room", true);
    }
  });
}

function deskShown() {
  return wide.matches || document.body.dataset.tab === "desk";
}

function count(number) {
  unread = number;
  $("desk-count").textContent = number;
  $("desk-count").hidden = number === 0;
}

nameButton();
