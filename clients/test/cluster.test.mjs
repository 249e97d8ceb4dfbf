// P7, P3: stock clients on three nodes behind the balancer as it is deployed, a plain round robin without sticky sessions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { join, kinds, numbered, open, sayAll } from "../client.mjs";
import { idsOf, noneStored, ownerOf, startCluster } from "../cluster.mjs";
import { until } from "../until.mjs";

const modern = kinds.filter(({ version }) => version === "4.8");

for (const kind of modern) {
  test(`P3, REC-5 kill -9 of the node, recovered on another one: ${kind.name}`, async (t) => {
    const { redis, servers, url } = await startCluster(t);
    const victim = await join(t, url, kind);
    const owner = ownerOf(victim, servers);
    const others = servers.filter((server) => server !== owner);
    const speaker = await join(t, others[0].url, { transport: "websocket only" });
    const witness = await join(t, others[1].url, { transport: "websocket only" });
    await sayAll(speaker, numbered("before", 20));
    await victim.heard(20);
    const ids = idsOf(victim);

    await owner.stop("SIGKILL");
    await until("the victim noticed", () => victim.disconnects.length > 0);
    await sayAll(speaker, numbered("missed", 50));
    await victim.connected(2);
    await sayAll(speaker, numbered("after", 20));
    await sayAll(victim, ["back"]);

    assert.deepEqual(await victim.heard(91), await witness.heard(91));
    assert(victim.connects.slice(1).every(({ recovered }) => recovered === true));
    assert(others.includes(ownerOf(victim, servers)), "it is on another node");
    assert.equal(victim.socket._pid, ids[1], "the private id outlives the node");
    await noneStored(redis, [...ids, ...idsOf(victim), ...idsOf(witness)]);
  });
}

test("P7 200 of 200 default clients connect, upgrade and chat", async (t) => {
  const { redis, servers, url } = await startCluster(t);
  const clients = Array.from({ length: 200 }, () => open(t, url));
  await Promise.all(clients.map((client) => client.connected()));
  await Promise.all(clients.map((client) => client.joined()));
  const transport = ({ socket }) => socket.io.engine.transport.name;
  await until("all have upgraded", () => clients.every((client) => transport(client) === "websocket"));

  const texts = numbered("from", clients.length);
  await Promise.all(clients.map((client, i) => sayAll(client, [texts[i]])));
  const [first, ...rest] = clients;
  assert.deepEqual([...(await first.heard(200))].sort(), [...texts].sort());
  for (const client of rest) assert.deepEqual(await client.heard(200), first.timeline);

  assert.deepEqual(
    clients.flatMap(({ disconnects }) => disconnects),
    [],
  );
  const owners = new Set(clients.map((client) => ownerOf(client, servers)));
  assert.equal(owners.size, servers.length, "every node has some of them");
  await noneStored(redis, clients.flatMap(idsOf));
});

/** talk sends one message after another until it is stopped; the client itself retries each until it is acked. */
async function talk({ socket }, who, traffic) {
  for (let n = 0; !traffic.over; n++) {
    const said = { message: `${who} ${n}`, username: "tester", id: `${who}-${n}` };
    const ack = await socket.emitWithAck("event:message", said);
    assert.equal(ack.status, "ok", JSON.stringify(ack));
    traffic.acked.push(said.message);
  }
}

for (const [signal, code] of [
  ["SIGTERM", 0],
  ["SIGKILL", null],
]) {
  test(`P3, P4 all nodes restarted one by one with ${signal}: nothing is lost`, async (t) => {
    const { redis, servers, url } = await startCluster(t);
    const patient = { ackTimeout: 2000, retries: 100 };
    const listeners = await Promise.all([...modern, ...modern].map((kind) => join(t, url, kind)));
    const speakers = await Promise.all(modern.map((kind) => join(t, url, { ...kind, ...patient })));
    const clients = [...listeners, ...speakers];

    const traffic = { over: false, acked: [] };
    const talking = speakers.map((speaker, i) => talk(speaker, `s${i}`, traffic));
    const flows = async (wanted = traffic.acked.length + 100) => {
      await until("traffic", () => traffic.acked.length >= wanted);
    };
    for (const server of servers) {
      await flows();
      assert.equal(await server.stop(signal), code, server.output);
      await flows();
      await server.start();
    }
    await flows();
    traffic.over = true;
    await Promise.all(talking);

    const [first] = clients;
    for (const client of clients) await client.heard(traffic.acked.length);
    assert.deepEqual([...first.timeline].sort(), traffic.acked.sort(), "each message once");
    for (const [i, { timeline, connects, disconnects }] of clients.entries()) {
      assert.deepEqual(timeline, first.timeline, `client ${i}`);
      assert(
        connects.slice(1).every(({ recovered }) => recovered === true),
        `client ${i} recovered`,
      );
      assert(!disconnects.includes("io server disconnect"), "a stock client would stay away");
    }
    for (const i of speakers.keys()) {
      const own = first.timeline.filter((text) => text.startsWith(`s${i} `));
      assert.deepEqual(own, numbered(`s${i}`, own.length), "per-sender order");
    }
    await noneStored(redis, clients.flatMap(idsOf));
  });
}
