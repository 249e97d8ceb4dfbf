// A client that keeps who it is and its place, over reconnects and restarts. It says what comes on its standard input.
//
//   node docs/examples/client.mjs http://localhost:8000 Ada ada.json
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { io } from "socket.io-client";

const [url, username, file] = process.argv.slice(2);

// What the client keeps: { token, pid, offset }. The token is a secret. No two clients may run with the same pid.
let saved = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
function save(kept) {
  saved = kept;
  writeFileSync(file, JSON.stringify(saved), { mode: 0o600 });
}

// A function, so that each CONNECT has the newest of what is kept.
const socket = io(url, { auth: (send) => send({ username, history: 50, ...saved }) });

let limits;
let me; // the id for which this client speaks
socket.on("presence", ({ online }, offset) => {
  if (offset) save({ ...saved, offset }); // the place at which this client joined
  console.log(`* ${online} online`);
});
socket.on("welcome", (welcome) => {
  limits = welcome.limits;
  me = welcome.user.id;
  if (welcome.token) save({ ...saved, token: welcome.token, pid: welcome.token });
  console.log(`* you are ${me}`);
});
socket.on("message", ({ message, username, from, verified }, offset) => {
  console.log(`${verified ? "+" : ""}${username} (${from}): ${message}`);
  save({ ...saved, offset }); // after the message has been dealt with
});

// A refusal: the client does not try again by itself.
socket.on("connect_error", ({ data }) => {
  if (socket.active) return; // the server cannot be reached: the client does try again
  if (data.code !== "unauthorized" || !saved.token) {
    console.log(`* refused: ${data.code}`);
    process.exit(1);
  }
  console.log("* unauthorized: a new guest");
  save({});
  me = undefined;
  socket.sendBuffer = []; // what waits there is from the old guest
  socket.connect();
});

// say sends a message until the server says whether it is stored. The id makes sure that it is stored once, but only from
// one author: a client that has become another guest does not know whether the message is stored, and must not repeat it.
async function say(message) {
  while (!me) await delay(10);
  const author = me;
  const id = randomUUID();
  const last = Date.now() + limits.dedupeMs - 60_000; // later, the server may have forgotten the id
  for (;;) {
    const ack = await socket
      .timeout(limits.appendMs + 5000)
      .emitWithAck("event:message", { message, username, id })
      .catch(() => ({ code: "unavailable" })); // no answer: the message may be stored or not
    const retry = ack.code === "unavailable" || ack.code === "rate_limited";
    if (!retry || Date.now() > last) return ack;
    await delay(1000);
    if (me !== author) return { code: "another_author" };
  }
}

for await (const line of createInterface(process.stdin)) {
  const ack = await say(line);
  console.log(ack.status === "ok" ? `* stored at ${ack.at}` : `* not stored, as far as is known: ${ack.code}`);
}
socket.disconnect();
