// Carries the messages of the original server to chatd and back, so that both serve one room while clients move over.
//
//   node docs/examples/bridge.mjs http://old.example:8000 http://new.example:8000
import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";

const [oldURL, newURL] = process.argv.slice(2);
const run = randomUUID(); // marks what this bridge has carried to chatd
let carried = 0;

const original = io(oldURL, { transports: ["websocket"] });
// One message after the other, each until chatd has acked it. A retry has the same id, so it is not stored twice.
const chatd = io(newURL, { transports: ["websocket"], retries: 1000, ackTimeout: 15_000 });

// What was carried to the original comes back from it without an id: by name and text, as often as it was carried.
const expected = new Map();
const key = ({ username, message }) => JSON.stringify([username, message]);

/** comesBack reports whether a message of the original is one that this bridge has carried there. */
function comesBack(said) {
  const count = expected.get(key(said)) ?? 0;
  if (count > 1) expected.set(key(said), count - 1);
  else expected.delete(key(said));
  return count > 0;
}

original.on("message", ({ message, username }) => {
  if (comesBack({ message, username })) return;
  carried += 1;
  carry({ message, username, id: `${run}-${carried}` });
});

/** carry gives a message to chatd, again for as long as its Redis is away. */
function carry(said) {
  chatd.emit("event:message", said, (error, ack) => {
    if (ack?.code === "unavailable") carry(said);
    else if (ack?.status !== "ok") console.log(`* not carried to chatd: ${ack?.code ?? error.message}`);
  });
}

chatd.on("message", ({ message, username, id }) => {
  if (id.startsWith(run)) return;
  expected.set(key({ message, username }), (expected.get(key({ message, username })) ?? 0) + 1);
  original.emit("event:message", { message, username });
});

// What was on its way to the original may be lost with the connection, and does not come back then.
original.on("disconnect", () => expected.clear());

for (const [name, socket] of Object.entries({ original, chatd })) {
  socket.on("connect", () => console.log(`* connected to ${name}${socket.recovered ? ", nothing was missed" : ""}`));
  socket.on("disconnect", (reason) => console.log(`* lost ${name}: ${reason}`));
}
