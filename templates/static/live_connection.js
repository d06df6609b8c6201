// The socket of a room: comes back by itself, says where it left off, and keeps what was not taken.

const BACK_OFF = [500, 1000, 2000, 4000, 8000, 15000];
const HELLO_EVERY = 60000; // also tells the server that somebody is awake here
const ANSWER_WITHIN = 15000; // a hello is always answered; silence means a dead line

export class Connection {
  // `on` holds the functions called for each type of frame, `unsent` the store of what is not taken.
  constructor({ address, unsent, place, on }) {
    this.address = address;
    this.unsent = unsent;
    this.place = place; // () => ({ number, chat }): the last reply and public message shown
    this.on = on;
    this.failures = 0;
    this.socket = null;
    this.deaf = null;
    this.again = null;
    setInterval(() => this.hello(), HELLO_EVERY);
    addEventListener("online", () => this.connect());
    addEventListener("pageshow", (event) => event.persisted && this.connect());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.open ? this.hello() : this.connect();
    });
    this.connect();
  }

  get open() {
    return this.socket !== null && this.socket.readyState === WebSocket.OPEN;
  }

  connect() {
    clearTimeout(this.again);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    const socket = new WebSocket(this.address);
    this.socket = socket;
    socket.onopen = () => {
      this.hello();
      this.resend();
    };
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  lost() {
    clearTimeout(this.deaf);
    this.socket = null;
    const wait = BACK_OFF[Math.min(this.failures, BACK_OFF.length - 1)];
    this.failures += 1;
    this.on.offline();
    // Spread out, or a restarted server meets everybody in the same instant.
    this.again = setTimeout(() => this.connect(), wait * (0.5 + Math.random()));
  }

  hello() {
    if (!this.open) return;
    this.write({ type: "hello", ...this.place() });
    clearTimeout(this.deaf);
    this.deaf = setTimeout(() => {
      const socket = this.socket;
      if (socket) {
        socket.onclose = null;
        socket.close();
        this.lost();
      }
    }, ANSWER_WITHIN);
  }

  take(frame) {
    if (frame.type === "synced") {
      clearTimeout(this.deaf);
      this.failures = 0;
      this.on.online();
    } else if (frame.type === "ack") {
      this.unsent.drop(frame.id);
      this.on.ack(frame);
    } else if (frame.type === "refused") {
      this.refused(frame);
    } else if (this.on[frame.type]) {
      this.on[frame.type](frame);
    }
  }

  refused(frame) {
    const wait = frame.facts && frame.facts.retry_after_seconds;
    if (wait) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.resend(), wait * 1000);
    } else if (frame.id) {
      this.unsent.drop(frame.id);
    }
    this.on.refused(frame, Boolean(wait));
  }

  // Kept until it is acknowledged; the same id makes saying it again harmless.
  send(frame) {
    this.unsent.keep(frame);
    if (this.open) this.write(frame);
  }

  resend() {
    if (this.open) this.unsent.all().forEach((frame) => this.write(frame));
  }

  write(frame) {
    this.socket.send(JSON.stringify(frame));
  }
}

export class Unsent {
  constructor(name) {
    this.name = name;
    try {
      this.frames = JSON.parse(sessionStorage.getItem(name)) || [];
    } catch {
      this.frames = [];
    }
  }

  all() {
    return [...this.frames];
  }

  keep(frame) {
    this.frames.push(frame);
    this.save();
  }

  drop(id) {
    this.frames = this.frames.filter((frame) => frame.id !== id);
    this.save();
  }

  save() {
    try {
      sessionStorage.setItem(this.name, JSON.stringify(this.frames));
    } catch {
      // Private windows may have no store; the page still remembers while it is open.
    }
  }
}

// randomUUID exists on secure pages only; a fan's phone may reach a laptop by its plain address.
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
