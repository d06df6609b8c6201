// A fan on an emulated Telegram (npm telegram-test-api): writes, taps and pays until the receipt.
// node fan.js API_PORT RELAY_PORT TILL_URL BOT_TOKEN SECRET; prints what both sides say.
const http = require("http");
const TelegramServer = require("telegram-test-api");

const [apiPort, relayPort] = process.argv.slice(2, 4).map(Number);
const [till, token, secret] = process.argv.slice(4);
const WEBHOOK = "/webhooks/telegram/platform";

// Between the two, for what the emulator lacks: it sends no X-Telegram-Bot-Api-Secret-Token, and it
// knows no sendPhoto, so a picture is refused in Telegram's words for one it cannot fetch.
const relay = http.createServer((request, response) => {
  if (request.url.endsWith("/sendPhoto")) {
    request.resume();
    response.writeHead(400, { "Content-Type": "application/json" });
    response.end('{"ok":false,"error_code":400,"description":"Bad Request: failed to get HTTP URL content"}');
  } else if (request.url === WEBHOOK) {
    const headers = { ...request.headers, "x-telegram-bot-api-secret-token": secret };
    carry(request, response, till + WEBHOOK, headers);
  } else {
    carry(request, response, `http://127.0.0.1:${apiPort}${request.url}`, request.headers);
  }
});

function carry(request, response, address, headers) {
  const onwards = http.request(address, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  request.pipe(onwards);
}

const answers = {
  "Which one would you like?": (message) => tap(message, "M"),
  "Which country": (message) => tap(message, "Germany"),
  "full name": () => write("Ada Windell"),
  "street and house number": () => write("Torstraße 12"),
  "town or city": () => write("Berlin"),
  "What is the postcode": () => write("10119"),
  "Your order:": (message) => tap(message, "I agree and pay"),
  "Here is the pay link": pay,
};

const server = new TelegramServer({ port: apiPort, host: "127.0.0.1" });
const client = server.getClient(token, { userId: 77, chatId: 77, firstName: "Ada" });

function buttons(message) {
  return ((message.reply_markup || {}).inline_keyboard || []).flat();
}

async function write(text) {
  console.log(`fan: ${text}`);
  const message = client.makeMessage(text);
  await (text.startsWith("/") ? client.sendCommand(client.makeCommand(text)) : client.sendMessage(message));
}

async function tap(message, label) {
  const button = buttons(message).find((one) => one.text === label);
  if (!button) throw new Error(`no button ${label} under ${message.text}`);
  console.log(`fan: [${label}]`);
  await client.sendCallback(client.makeCallbackQuery(button.callback_data));
}

async function pay(message) {
  const link = new URL(buttons(message).find((one) => one.url).url);
  console.log(`fan: opens ${link.pathname.replace(/[^/]+$/, "...")} and approves`);
  const answer = await fetch(till + link.pathname, {
    method: "POST",
    body: new URLSearchParams({ button: "approve" }),
    redirect: "manual",
  });
  if (answer.status !== 303) throw new Error(`the pay page answered ${answer.status}`);
}

async function main() {
  await server.start();
  await new Promise((done) => relay.listen(relayPort, "127.0.0.1", done));
  server.setWebhook({ url: `http://127.0.0.1:${relayPort}${WEBHOOK}` }, token);
  let seen = 0;
  let paid = false;
  let busy = Promise.resolve();
  const read = async () => {
    for (; seen < server.storage.botMessages.length; seen += 1) {
      const { message } = server.storage.botMessages[seen];
      console.log(`bot: ${message.text}`, buttons(message).map((one) => `[${one.text}]`).join(" "));
      const question = Object.keys(answers).find((words) => message.text.includes(words));
      if (question) await answers[question](message);
      paid = paid || message.text.includes("This is your receipt");
    }
    if (paid) finish(0);
  };
  server.on("AddedBotMessage", () => {
    busy = busy.then(read).catch(fail);
  });
  await write("/start friday-night-drop");
}

function fail(error) {
  console.error(error.message);
  finish(1);
}

function finish(code) {
  process.exit(code);
}

main().catch(fail);
