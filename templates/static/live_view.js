// What the room looks like: every text that came from a person or the server goes in as text.

export const $ = (id) => document.getElementById(id);

export function make(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function fill(text, n) {
  return text.replace("{n}", n);
}

// Only what a browser may safely open: our own pages and https.
export function safeAddress(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "https:" || url.origin === location.origin || isLocal(url) ? url.href : "";
  } catch {
    return "";
  }
}

function isLocal(url) {
  return url.protocol === "http:" && url.hostname === location.hostname;
}

// A list that follows its end unless the reader has scrolled up.
export class Scroll {
  constructor(name) {
    this.box = $(`${name}-scroll`);
    this.newer = $(`${name}-newer`);
    this.newer.addEventListener("click", () => this.toEnd());
    this.following = true;
    this.box.addEventListener("scroll", () => {
      this.following = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 60;
      if (this.following) this.newer.hidden = true;
    });
    // Pictures that arrive, a keyboard that opens, a tab that shows: keep the end in sight.
    new ResizeObserver(() => this.following && this.toEnd()).observe(this.box);
  }

  // Something was added; where `item` is higher than the box, its beginning is what to read.
  grown(item) {
    if (!this.following) {
      this.newer.hidden = false;
    } else if (item && item.offsetHeight > this.box.clientHeight - 16) {
      this.box.scrollTop += item.getBoundingClientRect().top - this.box.getBoundingClientRect().top - 8;
      this.following = true;
    } else {
      this.toEnd();
    }
  }

  toEnd() {
    this.following = true;
    this.newer.hidden = true;
    this.box.scrollTop = this.box.scrollHeight;
  }
}

export class Stage {
  constructor(texts, state) {
    this.texts = texts;
    this.offset = 0;
    this.productId = null;
    this.offer = null;
    this.show(state);
    setInterval(() => this.tick(), 1000);
  }

  show(state) {
    this.offset = state.now / 1000 - Date.now();
    this.offer = state.offer;
    this.watching(state.watching);
    this.session(state.session.status);
    if (state.offer) this.card(state.offer);
    else this.bare(state.session.status);
    this.tick();
  }

  watching(count) {
    $("watching").textContent = count > 0 ? fill(this.texts.watching, count) : "";
  }

  session(status) {
    $("live-badge").hidden = status !== "live";
    const closed = status === "ended" || status === "planned";
    $("curtain").hidden = !closed;
    if (!closed) return;
    const ended = status === "ended";
    $("curtain-title").textContent = ended ? this.texts.ended : this.texts.planned;
    $("curtain-text").textContent = ended ? this.texts.ended_text : this.texts.planned_text;
    if (ended && $("player")) $("player").remove(); // no sound from behind the curtain
  }

  card(offer) {
    const card = $("offer-card");
    const fresh = this.productId !== null && this.productId !== offer.product_id;
    card.dataset.fresh = fresh ? "yes" : "no";
    this.productId = offer.product_id;
    const picture = $("offer-picture");
    const address = safeAddress(offer.image_url);
    picture.hidden = !address || !offer.image_url;
    if (picture.getAttribute("src") !== address && address) picture.src = address;
    picture.alt = offer.title;
    $("offer-title").textContent = offer.title;
    $("offer-price").textContent = offer.price_varies
      ? this.texts.from.replace("{price}", offer.price)
      : offer.price;
    $("offer-about").textContent = offer.description;
    this.cheaper(offer);
    this.stock(offer.left);
    this.options(offer.options);
    card.hidden = false;
    $("offer-bare").hidden = true;
  }

  cheaper(offer) {
    const say = (id, text) => {
      $(id).textContent = text;
      $(id).hidden = !text;
    };
    say("offer-former", offer.former);
    say("offer-why", offer.why);
    $("flash-left").textContent = offer.flash ? fill(this.texts.flash_left, offer.flash.left) : "";
  }

  stock(left) {
    const level = left === 0 ? "gone" : left <= 5 ? "few" : "many";
    const words = { gone: this.texts.gone, few: this.texts.few_left, many: this.texts.left };
    const text = fill(words[level], left);
    const stock = $("offer-stock");
    stock.dataset.level = level;
    if (stock.textContent !== text) stock.textContent = text;
  }

  options(options) {
    const shown = options.length > 1 ? options : [];
    $("offer-options").replaceChildren(
      ...shown.map((option) => {
        const item = make("li", "", `${option.label} `);
        item.dataset.gone = option.left === 0 ? "yes" : "no";
        item.dataset.flash = option.flash ? "yes" : "no";
        item.append(make("span", "figures", option.left || this.texts.sold_out_short));
        return item;
      }),
    );
  }

  bare(status) {
    this.productId = this.productId || "";
    $("offer-card").hidden = true;
    $("offer-bare").hidden = status !== "live";
    $("bare-title").textContent = this.texts.nothing;
    $("bare-text").textContent = this.texts.nothing_text;
  }

  tick() {
    const offer = this.offer;
    if (!offer) return;
    const left = offer.ends_at ? offer.ends_at / 1000 - (Date.now() + this.offset) : Infinity;
    const over = left <= 0;
    const clock = $("offer-clock");
    clock.hidden = left === Infinity;
    clock.dataset.urgent = left < 60000 ? "yes" : "no";
    $("offer-time").textContent = over ? "0:00" : minutes(left);
    // Over here first: the server says a moment later what it costs now.
    const flash = offer.flash ? offer.flash.ends_at / 1000 - (Date.now() + this.offset) : 0;
    $("offer-flash").hidden = flash <= 0;
    $("flash-time").textContent = flash > 0 ? minutes(flash) : "";
    $("buy").disabled = over || offer.left === 0;
    $("buy").textContent = over ? this.texts.offer_over : offer.left ? this.texts.buy : this.texts.gone;
  }
}

function minutes(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest.replace(/^0/, "");
}

// The public chat.
export class RoomTalk {
  constructor() {
    this.list = $("room-talk");
    this.scroll = new Scroll("room");
    this.seq = 0;
    this.mine = new Set();
  }

  add(frame) {
    if (frame.seq <= this.seq) return;
    this.seq = frame.seq;
    $("room-empty").hidden = true;
    const item = make("li");
    item.dataset.seq = frame.seq;
    if (this.mine.delete(frame.seq)) item.dataset.mine = "yes";
    item.append(author(frame.name), frame.text);
    this.list.insertBefore(item, this.list.querySelector("[data-pending]"));
    while (this.list.childElementCount > 300) this.list.firstElementChild.remove();
    this.scroll.grown();
  }

  pending(frame, name) {
    $("room-empty").hidden = true;
    const item = make("li");
    item.dataset.pending = "yes";
    item.dataset.id = frame.id;
    item.append(author(name), frame.text);
    this.list.append(item);
    this.scroll.toEnd();
  }

  settled(frame) {
    this.drop(frame.id);
    const shown = this.list.querySelector(`[data-seq="${Number(frame.seq)}"]`);
    if (shown) shown.dataset.mine = "yes";
    else this.mine.add(frame.seq);
  }

  drop(id) {
    for (const item of this.list.querySelectorAll("[data-pending]")) {
      if (item.dataset.id === id) item.remove();
    }
  }
}

function author(name) {
  const shown = make("b", "", name);
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)) % 997;
  shown.dataset.hue = sum % 6;
  return shown;
}

// The private chat with the shop.
export class DeskTalk {
  constructor(texts, press) {
    this.texts = texts;
    this.press = press;
    this.list = $("desk-talk");
    this.scroll = new Scroll("desk");
    this.number = 0;
  }

  history(frame, unsent) {
    const known = new Set(frame.items.map((item) => item.id));
    this.list.replaceChildren();
    this.number = 0;
    this.list.setAttribute("aria-live", "off"); // a reader need not hear it all again
    for (const item of frame.items) {
      if (item.who === "fan") this.said(item.id, item.text, "sent");
      else this.reply(item.number, item.reply);
    }
    this.number = frame.number;
    for (const one of unsent.filter((one) => !known.has(one.id))) {
      this.said(one.id, one.label || one.text, "sending");
    }
    setTimeout(() => this.list.setAttribute("aria-live", "polite"));
    this.scroll.toEnd();
  }

  said(id, text, state) {
    $("desk-empty").hidden = true;
    const item = make("li", "said said--fan");
    item.dataset.id = id;
    item.append(make("p", "bubble", text), make("span", "said__state"));
    this.list.append(item);
    this.mark(id, state);
    this.scroll.toEnd();
  }

  mark(id, state) {
    for (const item of this.list.querySelectorAll(".said--fan")) {
      if (item.dataset.id !== id) continue;
      item.dataset.state = state;
      item.lastElementChild.textContent = state === "sent" ? `✓ ${this.texts.sent}` : this.texts[state];
    }
  }

  // False where it was shown before.
  reply(number, reply) {
    if (number <= this.number) return false;
    this.number = number;
    $("desk-empty").hidden = true;
    const item = make("li", "said said--shop");
    const picture = reply.image_url && safeAddress(reply.image_url);
    if (picture) item.append(this.picture(picture));
    if (reply.text) item.append(make("p", "bubble", reply.text));
    if (reply.link) item.append(...this.link(...reply.link));
    if (reply.choices) {
      item.classList.add("said--asks");
      item.append(this.choices(reply.choices));
    }
    this.list.append(item);
    this.scroll.grown(item);
    return true;
  }

  picture(address) {
    const picture = make("img", "said__picture");
    picture.alt = "";
    picture.addEventListener("load", () => this.scroll.grown());
    picture.addEventListener("error", () => picture.remove());
    picture.src = address;
    return picture;
  }

  link(label, address) {
    const safe = safeAddress(address);
    if (!safe) return [];
    const link = make("a", "button said__link", label);
    link.href = safe;
    link.target = "_blank";
    link.rel = "noopener";
    link.title = this.texts.opens;
    return [link];
  }

  choices(choices) {
    // Older questions are answered or overtaken; only the newest can be pressed.
    for (const old of this.list.querySelectorAll(".choice")) old.disabled = true;
    const box = make("div", `choices ${shape(choices)}`);
    for (const [id, label, description] of choices) {
      const button = make("button", "choice", label);
      button.type = "button";
      if (description) button.append(make("small", "", description));
      button.addEventListener("click", () => {
        for (const other of box.children) other.dataset.picked = other === button ? "yes" : "no";
        this.press(id, label);
      });
      box.append(button);
    }
    return box;
  }

  typing(on) {
    $("typing").hidden = !on;
    this.scroll.grown();
  }
}

// Pills for short answers, tiles for answers with a line below, rows where words are many.
function shape(choices) {
  const long = choices.some(([, label, description]) => label.length > 24 || (description || "").length > 24);
  if (long) return "choices--list choices--rows";
  return choices.some(([, , description]) => description) ? "choices--list" : "";
}
