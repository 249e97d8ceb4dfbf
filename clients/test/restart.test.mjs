// SIGTERM during traffic: clients come back by themselves, and what was acked had reached everybody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { join, kinds, numbered, sayAll } from "../client.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

/** talk sends one message after another until the client is cut off, and notes the texts that were acked. */
async function talk(client, who, acked) {
  for (let n = 0; client.socket.connected; n++) {
    const ack = await client.say(`${who} ${n}`).catch(() => undefined);
    if (ack?.status === "ok") acked.push(`${who} ${n}`);
  }
}

const isPolling = (i) => kinds[i].transport === "polling only";

test("SIGTERM during traffic and a restart on the same port", async (t) => {
  const server = await startServer(t, { MESSAGE_RATE: "0" });
  const clients = await Promise.all(kinds.map((kind) => join(t, server.url, kind)));
  await until("the upgrades", () => clients.every((client, i) => isPolling(i) || client.transport === "websocket"));
  const acked = [];
  let beforeFirstCut;
  for (const { socket } of clients) socket.once("disconnect", () => (beforeFirstCut ??= acked.length));
  const talking = clients.map((client, i) => talk(client, `c${i}`, acked));
  await until("traffic", () => acked.length > 500, 60_000);

  const beforeSignal = acked.length;
  assert.equal(await server.stop("SIGTERM"), 0);
  await Promise.all(talking);
  await until("everybody noticed", () => clients.every(({ disconnects }) => disconnects.length === 1));
  const before = clients.map(({ timeline }) => timeline.length);
  for (const [i, { timeline }] of clients.entries()) {
    // A client that polls learns late that its session has ended; meanwhile others get later messages.
    const safe = isPolling(i) ? beforeSignal : beforeFirstCut;
    const heard = new Set(timeline);
    const lost = acked.slice(0, safe).filter((text) => !heard.has(text));
    assert.deepEqual(lost, [], `lost for ${kinds[i].name}, of ${safe}`);
  }
  for (const { disconnects } of clients) {
    assert.notEqual(disconnects[0], "io server disconnect", "a stock client would stay away");
  }
  const longest = clients.map(({ timeline }) => timeline).reduce((a, b) => (a.length >= b.length ? a : b));
  for (const { timeline } of clients) assert.deepEqual(timeline, longest.slice(0, timeline.length));

  await server.start();
  await Promise.all(clients.map((client) => client.connected(2)));
  for (const { connects } of clients) assert(!connects[1].recovered, "the memory of the old process is gone");
  await sayAll(clients[0], numbered("after", 10));
  for (const [i, client] of clients.entries()) {
    await client.heard(before[i] + 10);
    assert.deepEqual(client.timeline.slice(-10), numbered("after", 10));
  }
});

test("kill -9 and a restart on the same port", async (t) => {
  const server = await startServer(t);
  const clients = await Promise.all(kinds.map((kind) => join(t, server.url, kind)));
  await sayAll(clients[0], ["before"]);
  for (const client of clients) await client.heard(1);
  await server.stop("SIGKILL");
  await server.start();
  await Promise.all(clients.map((client) => client.connected(2)));
  await sayAll(clients[0], ["after"]);
  for (const client of clients) assert.deepEqual(await client.heard(2), ["before", "after"]);
});
