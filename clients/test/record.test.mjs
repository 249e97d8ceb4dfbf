// P12: a node without Redis keeps its word over restarts and kill -9.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { test } from "node:test";
import { join, kinds, numbered, sayAll } from "../client.mjs";
import { startProxy } from "../proxy.mjs";
import { startServer } from "../server.mjs";
import { alwaysRecovered, equalTimelines } from "../timeline.mjs";
import { until } from "../until.mjs";

const modern = kinds.filter(({ version }) => version === "4.8");

/** startRecord starts a server with a record of its own in a directory. */
async function startRecord(t, settings) {
  const DATA_DIR = await mkdtemp(path(tmpdir(), "record-"));
  const server = await startServer(t, { DATA_DIR, MESSAGE_RATE: "0", ...settings });
  t.after(() => rm(DATA_DIR, { recursive: true }));
  return server;
}

for (const signal of ["SIGTERM", "SIGKILL"]) {
  for (const namespace of ["/", "/rooms/cats"]) {
    test(`REC-10 stock clients recover over ${signal} and a restart: ${namespace}`, async (t) => {
      const server = await startRecord(t);
      const proxy = await startProxy(t, server);
      const clients = await Promise.all(modern.map((kind) => join(t, server.url + namespace, kind)));
      const away = await join(t, proxy.url + namespace);
      await sayAll(clients[0], numbered("before", 50));
      await away.heard(50);
      proxy.refuse();
      await until("one is away", () => !away.socket.connected);
      await sayAll(clients[0], numbered("missed before the end", 50));
      for (const client of clients) await client.heard(100);
      await server.stop(signal);
      await server.start();
      await Promise.all(clients.map((client) => client.connected(2)));
      await sayAll(clients[0], numbered("missed after the end", 50));
      proxy.accept();
      for (const client of [...clients, away]) {
        equalTimelines(await client.heard(150), clients[0].timeline, "everything once");
        assert.equal(client.connects.at(-1).recovered, true);
        alwaysRecovered(client, namespace);
      }
      const guests = new Set(clients[0].authors);
      assert.equal(guests.size, 1, "the same guest over the restart");
    });
  }

  test(`REC-10 retries over ${signal} and a restart are stored once`, async (t) => {
    const server = await startRecord(t);
    const witness = await join(t, server.url, { transport: "websocket only" });
    const sender = await join(t, server.url, { ackTimeout: 1000, retries: 50 });
    const texts = numbered("kept", 300);
    const acks = texts.map((message, i) =>
      sender.socket.emitWithAck("event:message", { message, username: "tester", id: `kept-${i}` }),
    );
    for (const count of [50, 150]) {
      await witness.heard(count);
      await server.stop(signal);
      await server.start();
    }
    for (const ack of await Promise.all(acks)) assert.equal(ack.status, "ok");
    equalTimelines(await witness.heard(300), texts, signal);
    alwaysRecovered(witness, signal);
  });
}

for (const namespace of ["/", "/rooms/cats"]) {
  test(`REC-10 a place without a message is kept over kill -9: ${namespace}`, async (t) => {
    const server = await startRecord(t);
    const client = await join(t, server.url + namespace);
    await server.stop("SIGKILL");
    await server.start();
    await client.connected(2);
    assert.equal(client.connects[1].recovered, true);
  });
}

for (const namespace of ["/", "/rooms/cats"]) {
  test(`HIS-12 the whole past stays readable over a restart: ${namespace}`, async (t) => {
    const server = await startRecord(t, { HISTORY_WINDOW: "100", HISTORY_MAX: "50", ROOM_WINDOW: "100" });
    const texts = numbered("past", 500);
    await sayAll(await join(t, server.url + namespace), texts);
    await server.stop();
    await server.start();
    const reader = await join(t, server.url + namespace);
    let pages = [];
    for (let before, more = true; more; before = pages[0].offset) {
      const answer = await reader.ask("history", { before });
      assert.equal(answer.status, "ok", JSON.stringify(answer));
      pages = [...answer.messages, ...pages];
      more = answer.more;
    }
    equalTimelines(
      pages.map(({ message }) => message),
      texts,
      "history",
    );
  });
}
