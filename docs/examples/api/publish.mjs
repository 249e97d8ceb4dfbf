// Publishes a message into a room and reads the newest messages there, with Node.
//
//   CHAT_URL=http://localhost:8000 CHATD_API_KEY=… node docs/examples/api/publish.mjs
import { setTimeout as sleep } from "node:timers/promises";

const { CHAT_URL = "http://localhost:8000", CHATD_API_KEY } = process.env;
const headers = { authorization: `Bearer ${CHATD_API_KEY}`, "content-type": "application/json" };

/** Sends a request, and repeats it up to three times if that may help. A message needs an id: then it is stored once. */
async function call(path, body) {
  for (let tries = 1; ; tries++) {
    const request = {
      headers,
      method: body ? "POST" : "GET",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    };
    const response = await fetch(`${CHAT_URL}/api/v1/${path}`, request).catch((error) => ({ error }));
    const answer = response.error ? { code: "unreachable", message: `${response.error}` } : await response.json();
    if (response.ok) return answer;
    if (tries === 4 || !["unavailable", "rate_limited", "timeout", "unreachable"].includes(answer.code)) {
      throw new Error(`${answer.code}: ${answer.message}`);
    }
    await sleep(1000 * tries);
  }
}

const room = encodeURIComponent("orders");
const user = { id: "42", name: "Shop" };
const stored = await call(`rooms/${room}/messages`, { message: "Order 7 is on its way", id: "order-7-sent", user });
console.log(stored);
const { messages } = await call(`rooms/${room}/messages?limit=10`);
for (const { username, message } of messages) console.log(`${username}: ${message}`);
