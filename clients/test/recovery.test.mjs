// P3: after any cut a client has exactly what it missed, or is told that it was not recovered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { join, kinds, numbered, open, sayAll, transports } from "../client.mjs";
import { startProxy } from "../proxy.mjs";
import { random } from "../random.mjs";
import { startServer } from "../server.mjs";
import { alwaysRecovered, equalTimelines } from "../timeline.mjs";
import { until } from "../until.mjs";

const modern = kinds.filter(({ version }) => version === "4.8");
const fast = { MESSAGE_RATE: "0" };

/** span is how many bytes a connection carries at most before it is cut: a poll is a connection and has 16 packets (EIO-8). */
const span = (kind) => (kind.transport === "polling only" ? 2000 : 12_000);

for (const kind of modern) {
  test(`P3 cut at random bytes during traffic: ${kind.name}`, async (t) => {
    const server = await startServer(t, fast);
    const proxy = await startProxy(t, server);
    const next = random(kind.name);
    proxy.nextLimit = () => 300 + Math.floor(next() * span(kind));
    const witness = await join(t, server.url, { transport: "websocket only" });
    const victims = await Promise.all([1, 2, 3, 4].map(() => join(t, proxy.url, kind)));
    // Each client sees everything from its joining offset on; a first message gives all the same start.
    for (let round = 0; round < 40 || proxy.cuts < 20; round++) {
      await sayAll(witness, numbered(`round ${round}:`, 50));
    }
    proxy.nextLimit = () => Number.POSITIVE_INFINITY;
    for (const victim of victims) {
      equalTimelines(await victim.heard(witness.timeline.length), witness.timeline, kind.name);
      alwaysRecovered(victim, kind.name);
    }
  });

  test(`P3 cut at random bytes during the replay: ${kind.name}`, async (t) => {
    const server = await startServer(t, fast);
    const proxy = await startProxy(t, server);
    const next = random(`replay ${kind.name}`);
    const witness = await join(t, server.url, { transport: "websocket only" });
    const seen = await join(t, proxy.url, kind);
    await sayAll(witness, ["before"]);
    await seen.heard(1);
    const unseen = await join(t, proxy.url, kind);
    proxy.refuse();
    await until("both are away", () => !seen.socket.connected && !unseen.socket.connected);
    await sayAll(witness, numbered("missed", 2000));
    let patience = 30;
    proxy.nextLimit = () => (patience-- > 0 ? 300 + Math.floor(next() * span(kind)) : Number.POSITIVE_INFINITY);
    proxy.accept();
    equalTimelines(await seen.heard(2001), witness.timeline, "had seen a message");
    equalTimelines(await unseen.heard(2000), witness.timeline.slice(1), "had not seen a message");
    for (const client of [seen, unseen]) alwaysRecovered(client, kind.name);
    assert(proxy.cuts >= 4, `only ${proxy.cuts} cuts`);
  });

  test(`P3 cut at random bytes during history: ${kind.name}`, async (t) => {
    const server = await startServer(t, fast);
    const witness = await join(t, server.url, { transport: "websocket only" });
    await sayAll(witness, numbered("past", 500));
    const next = random(`history ${kind.name}`);
    for (let round = 0; round < 12; round++) {
      const proxy = await startProxy(t, server);
      let patience = 2;
      proxy.nextLimit = () => (patience-- > 0 ? 200 + Math.floor(next() * span(kind)) : Number.POSITIVE_INFINITY);
      const client = open(t, proxy.url, { ...kind, auth: { history: 150 } });
      equalTimelines(await client.heard(150), witness.timeline.slice(-150), `round ${round}`);
      const mark = `after ${round}`;
      await sayAll(witness, [mark]);
      equalTimelines(await client.heard(151), witness.timeline.slice(-151), `round ${round}, live`);
      alwaysRecovered(client, `round ${round}`);
      client.socket.disconnect();
    }
  });

  test(`P3 cut in an empty room: ${kind.name}`, async (t) => {
    const server = await startServer(t);
    const proxy = await startProxy(t, server);
    const client = await join(t, proxy.url, kind);
    await until("the cut", () => {
      // Between two polls there is nothing to cut.
      proxy.cut();
      return client.disconnects.length > 0;
    });
    await client.connected(2);
    proxy.refuse();
    await until("away", () => !client.socket.connected);
    const speaker = await join(t, server.url);
    await sayAll(speaker, numbered("first", 20));
    proxy.accept();
    equalTimelines(await client.heard(20), numbered("first", 20), kind.name);
    alwaysRecovered(client, kind.name);
  });

  test(`REC-3 after the window there is no partial replay: ${kind.name}`, async (t) => {
    const server = await startServer(t, { ...fast, HISTORY_WINDOW: "100", HISTORY_MAX: "50" });
    const proxy = await startProxy(t, server);
    const speaker = await join(t, server.url, { transport: "websocket only" });
    const clients = [await join(t, proxy.url, kind), await join(t, proxy.url, { ...kind, auth: { history: 5 } })];
    await sayAll(speaker, ["seen"]);
    for (const client of clients) await until("the first", () => client.timeline.at(-1) === "seen");
    proxy.refuse();
    await until("away", () => clients.every(({ socket }) => !socket.connected));
    const missed = numbered("missed", 5000);
    // The speaker may lag behind its own messages by half of this small window only.
    for (let i = 0; i < missed.length; i += 20) await sayAll(speaker, missed.slice(i, i + 20));
    proxy.accept();
    await Promise.all(clients.map((client) => client.connected(2)));
    await sayAll(speaker, ["live"]);
    for (const client of clients) {
      await until("live again", () => client.timeline.at(-1) === "live");
      assert.equal(client.connects.at(-1).recovered, false);
    }
    equalTimelines(clients[0].timeline, ["seen", "live"], "without history");
    equalTimelines(clients[1].timeline, ["seen", ...missed.slice(-5), "live"], "with history");
  });

  test(`P4 a sender that is cut and retries: ${kind.name}`, async (t) => {
    const server = await startServer(t, fast);
    const proxy = await startProxy(t, server);
    const next = random(`retry ${kind.name}`);
    const witness = await join(t, server.url, { transport: "websocket only" });
    const sender = await join(t, proxy.url, { ...kind, ackTimeout: 1000, retries: 50 });
    proxy.nextLimit = () => 250 + Math.floor(next() * 1500);
    proxy.cut();
    const texts = numbered("kept", 200);
    const acks = texts.map((message, i) =>
      sender.socket.emitWithAck("event:message", { message, username: "tester", id: `kept-${i}` }),
    );
    for (const ack of await Promise.all(acks)) assert.equal(ack.status, "ok");
    equalTimelines(await witness.heard(200), texts, kind.name);
    assert(proxy.cuts >= 2, `only ${proxy.cuts} cuts`);
  });
}

test("P3 a cut while upgrading loses nothing", async (t) => {
  const server = await startServer(t, fast);
  const next = random("upgrade");
  const witness = await join(t, server.url, { transport: "websocket only" });
  const counting = { stopped: false };
  const traffic = (async () => {
    for (let n = 0; !counting.stopped; n++) await sayAll(witness, numbered(`traffic ${n}:`, 5));
  })();
  for (let round = 0; round < 25; round++) {
    const proxy = await startProxy(t, server);
    let patience = 4;
    proxy.nextLimit = () => (patience-- > 0 ? 150 + Math.floor(next() * 1500) : Number.POSITIVE_INFINITY);
    const client = open(t, proxy.url, { auth: { history: 3 } });
    await client.heard(100);
    const start = witness.timeline.indexOf(client.timeline[0]);
    const heard = client.timeline.slice(0, 100);
    await witness.heard(start + 100);
    equalTimelines(heard, witness.timeline.slice(start, start + 100), `round ${round}`);
    alwaysRecovered(client, `round ${round}`);
    client.socket.disconnect();
  }
  counting.stopped = true;
  await traffic;
});

test("REC-1 an old client that knows no recovery starts afresh and keeps chatting", async (t) => {
  const server = await startServer(t);
  const proxy = await startProxy(t, server);
  const speaker = await join(t, server.url);
  for (const transport of Object.keys(transports)) {
    const client = await join(t, proxy.url, { version: "3.1", transport });
    proxy.refuse();
    await until("away", () => !client.socket.connected);
    await sayAll(speaker, [`missed by ${transport}`]);
    proxy.accept();
    await client.connected(2);
    await sayAll(client, [`back with ${transport}`]);
    assert.deepEqual(await client.heard(1), [`back with ${transport}`]);
    client.socket.disconnect();
  }
});
