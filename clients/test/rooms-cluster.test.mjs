// P10, ROOM: rooms on three nodes behind the balancer as it is deployed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { beside, join, numbered, open, sayAll, together } from "../client.mjs";
import { idsOf, noneStored, ownerOf, startCluster } from "../cluster.mjs";
import { alwaysRecovered, equalTimelines } from "../timeline.mjs";
import { until } from "../until.mjs";

const spaces = ["/", "/rooms/a", "/rooms/b", "/rooms/c"];

for (const version of ["4.6", "4.7", "4.8"]) {
  test(`P10, REC-5, ROOM-4 kill -9 of the node, all rooms recovered on another one: ${version}`, async (t) => {
    const { redis, servers, url } = await startCluster(t);
    const victims = await together(t, url, spaces, { version });
    const owner = ownerOf(victims[0], servers);
    const rest = servers.filter((server) => server !== owner);
    const speakers = await together(t, rest[0].url, spaces, { transport: "websocket only" });
    const witnesses = await together(t, rest[1].url, spaces, { transport: "websocket only" });
    await Promise.all(speakers.map((speaker, i) => sayAll(speaker, numbered(`before in ${i}`, 20))));
    await Promise.all(victims.map((victim) => victim.heard(20)));
    const ids = victims.flatMap(idsOf);

    await owner.stop("SIGKILL");
    await until("the victims noticed", () => victims.every(({ disconnects }) => disconnects.length > 0));
    await Promise.all(speakers.map((speaker, i) => sayAll(speaker, numbered(`missed in ${i}`, 10 * (i + 1)))));
    await Promise.all(victims.map((victim) => victim.connected(2)));
    await Promise.all(victims.map((victim, i) => sayAll(victim, [`back in ${i}`])));

    for (const [i, victim] of victims.entries()) {
      const { timeline } = speakers[i];
      await speakers[i].heard(21 + 10 * (i + 1));
      equalTimelines(await victim.heard(timeline.length), timeline, `the victim in ${spaces[i]}`);
      equalTimelines(await witnesses[i].heard(timeline.length), timeline, `the witness in ${spaces[i]}`);
      alwaysRecovered(victim, spaces[i]);
    }
    assert(rest.includes(ownerOf(victims[0], servers)), "they are on another node");
    await noneStored(redis, [...ids, ...victims.flatMap(idsOf), ...witnesses.flatMap(idsOf)]);
  });
}

test("P10, PRE-3 online is the room's, over all nodes, and right again within 8 s of a node's death", async (t) => {
  const { servers } = await startCluster(t);
  const members = await Promise.all(
    servers.map(({ url }) => join(t, `${url}/rooms/a`, { transport: "websocket only" })),
  );
  const elsewhere = await join(t, `${servers[0].url}/rooms/b`);
  const watcher = members[0];
  await until("three members", () => watcher.online === 3);
  // The others must not come back.
  members[2].socket.io.reconnection(false);
  await servers[2].stop("SIGKILL");
  await until("two members", () => watcher.online === 2, 8_000);
  assert.equal(elsewhere.online, 1);
  assert.deepEqual(await watcher.ask("rooms"), { rooms: ["general", "random"].map((name) => ({ name, online: 0 })) });
});

test("ROOM-13 the list counts the members on all nodes", async (t) => {
  const { servers } = await startCluster(t);
  await Promise.all(servers.map(({ url }) => join(t, `${url}/rooms/general`)));
  for (const { url } of servers) {
    const online = async () => (await (await fetch(`${url}/rooms`)).json()).rooms[0].online;
    await until("three members", async () => (await online()) === 3);
  }
});

test("P5, ROOM-8 while Redis is away, members stay, and a CONNECT to a new room waits", async (t) => {
  const { redis, servers } = await startCluster(t, { CONNECT_TIMEOUT: "2s", APPEND_TIMEOUT: "1s" });
  const { url } = servers[0];
  const member = await join(t, `${url}/rooms/a`);
  redis.freeze();
  const newcomer = open(t, `${url}/rooms/new`, { transport: "websocket only" });
  let closed = 0;
  newcomer.socket.io.on("close", () => closed++);
  assert.equal((await member.say("too early", { id: "x" })).code, "unavailable");
  await until("the newcomer's transport was closed", () => closed > 0);
  redis.thaw();
  await sayAll(await newcomer.joined(), ["here"]);
  await until("members talk again", async () => (await member.say("too early", { id: "x" })).status === "ok");
  assert.deepEqual(await member.heard(1), ["too early"]);
  assert.deepEqual([member.disconnects, newcomer.refusals], [[], []]);
});

test("P10 rooms are opened, filled and left on all nodes at once", async (t) => {
  const { servers } = await startCluster(t);
  const hosts = await Promise.all(servers.map(({ url }) => join(t, url, { transport: "websocket only" })));
  for (let round = 0; round < 3; round++) {
    const rooms = numbered("", 15).map((_, i) => `/rooms/round-${round}-${i}`);
    const groups = rooms.map((room) => hosts.map((host) => beside(t, host, room)));
    await Promise.all(
      groups.map(async (group) => {
        await Promise.all(group.map((member) => member.joined()));
        await Promise.all(group.map((member, i) => sayAll(member, numbered(`from ${i}:`, 5))));
        for (const member of group) equalTimelines(await member.heard(15), group[0].timeline, "in one room");
        for (const { socket } of group) socket.disconnect();
      }),
    );
  }
  for (const { disconnects } of hosts) assert.deepEqual(disconnects, []);
});
