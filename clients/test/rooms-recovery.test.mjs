// P10, ROOM-4: each room recovers by itself, several of them over one reconnect.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allVersions, join, kinds, numbered, recovers, sayAll, together } from "../client.mjs";
import { startProxy } from "../proxy.mjs";
import { random } from "../random.mjs";
import { startServer } from "../server.mjs";
import { alwaysRecovered, equalTimelines } from "../timeline.mjs";
import { until } from "../until.mjs";

const spaces = ["/", "/rooms/a", "/rooms/b", "/rooms/c"];
const fast = { MESSAGE_RATE: "0" };

const others = ["4.6", "4.7"].map((version) => ({ version, transport: "default upgrade", name: version }));
const modern = [...kinds.filter(({ version }) => version === "4.8"), ...others];
const old = Object.keys(allVersions).filter((version) => !recovers(version));

/** away cuts the connection of these clients, who stay away until the proxy accepts again. */
async function away(proxy, clients) {
  proxy.refuse();
  await until("all are away", () => clients.every(({ socket }) => !socket.connected));
}

for (const kind of modern) {
  test(`P10, ROOM-4 four rooms over one reconnect: ${kind.name}`, async (t) => {
    const server = await startServer(t, fast);
    const proxy = await startProxy(t, server);
    const speakers = await together(t, server.url, spaces, { transport: "websocket only" });
    const clients = await together(t, proxy.url, spaces, kind);
    // One room in which the client has seen messages, others in which it has not.
    await sayAll(speakers[1], numbered("seen in a", 20));
    await clients[1].heard(20);
    const pids = clients.map(({ socket }) => socket._pid);
    assert.equal(new Set(pids).size, spaces.length, "each room has its own private id");

    await away(proxy, clients);
    await Promise.all(speakers.map((speaker, i) => sayAll(speaker, numbered(`missed in ${i}`, 50 * i + 1))));
    proxy.accept();
    await Promise.all(clients.map((client) => client.connected(2)));
    await Promise.all(speakers.map((speaker, i) => sayAll(speaker, [`live in ${i}`])));
    for (const [i, client] of clients.entries()) {
      const { timeline } = speakers[i];
      equalTimelines(await client.heard(timeline.length), timeline, spaces[i]);
      alwaysRecovered(client, spaces[i]);
      assert.equal(client.socket._pid, pids[i]);
    }
  });

  test(`P10, ROOM-4 one room is recovered, another is not: ${kind.name}`, async (t) => {
    const server = await startServer(t, { ...fast, ROOM_WINDOW: "100" });
    const proxy = await startProxy(t, server);
    const speakers = await together(t, server.url, spaces, { transport: "websocket only" });
    const clients = await together(t, proxy.url, spaces, kind);
    await away(proxy, clients);
    const missed = numbered("missed", 2000);
    await sayAll(speakers[1], missed.slice(0, 20));
    for (let i = 0; i < missed.length; i += 20) await sayAll(speakers[2], missed.slice(i, i + 20));
    proxy.accept();
    await Promise.all(clients.map((client) => client.connected(2)));
    await Promise.all(speakers.map((speaker) => sayAll(speaker, ["live"])));
    for (const client of clients) await until("live again", () => client.timeline.at(-1) === "live");
    assert.deepEqual(
      clients.map(({ connects }) => connects.at(-1).recovered),
      [true, true, false, true],
    );
    equalTimelines(clients[1].timeline, [...missed.slice(0, 20), "live"], "the quiet room");
    equalTimelines(clients[2].timeline, ["live"], "the flooded room has no partial replay");
  });

  test(`P10 cut at random bytes in four rooms during traffic: ${kind.name}`, async (t) => {
    const server = await startServer(t, fast);
    const proxy = await startProxy(t, server);
    const next = random(`rooms ${kind.name}`);
    const mean = kind.transport === "polling only" ? 1500 : 12_000;
    const speakers = await together(t, server.url, spaces, { transport: "websocket only" });
    const victims = [await together(t, proxy.url, spaces, kind), await together(t, proxy.url, spaces, kind)];
    proxy.nextLimit = () => 1000 + Math.floor(next() * mean);
    proxy.cut();
    for (let round = 0; round < 20 || proxy.cuts < 10; round++) {
      await Promise.all(speakers.map((speaker, i) => sayAll(speaker, numbered(`${round} in ${i}:`, 20))));
    }
    proxy.nextLimit = () => Number.POSITIVE_INFINITY;
    for (const clients of victims) {
      for (const [i, client] of clients.entries()) {
        const { timeline } = speakers[i];
        equalTimelines(await client.heard(timeline.length), timeline, `${kind.name} in ${spaces[i]}`);
        alwaysRecovered(client, kind.name);
      }
    }
  });
}

for (const version of old) {
  test(`ROOM-2 a client that knows no recovery starts afresh in each room: ${version}`, async (t) => {
    const server = await startServer(t, fast);
    const proxy = await startProxy(t, server);
    const clients = await together(t, proxy.url, spaces, { version });
    const speakers = await together(t, server.url, spaces);
    await away(proxy, clients);
    await Promise.all(speakers.map((speaker) => sayAll(speaker, ["missed"])));
    proxy.accept();
    await Promise.all(clients.map((client) => client.connected(2)));
    await Promise.all(clients.map((client, i) => sayAll(client, [`back in ${i}`])));
    for (const [i, { timeline }] of clients.entries()) assert.deepEqual(timeline, [`back in ${i}`]);
  });
}

test("ROOM-5 a room that was closed meanwhile recovers from its record", async (t) => {
  const server = await startServer(t, fast);
  const proxy = await startProxy(t, server);
  const client = await join(t, `${proxy.url}/rooms/a`);
  await sayAll(client, numbered("seen", 10));
  await away(proxy, [client]);
  const speaker = await join(t, `${server.url}/rooms/a`);
  await sayAll(speaker, numbered("missed", 300));
  speaker.socket.disconnect();
  proxy.accept();
  await client.connected(2);
  equalTimelines(await client.heard(310), [...numbered("seen", 10), ...numbered("missed", 300)], "in order");
  alwaysRecovered(client, "over the gap");
});
