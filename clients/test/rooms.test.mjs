// ROOM: what stock clients can rely on in rooms; the names carry the numbers of protocol/SPEC.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allVersions, beside, join, kinds, numbered, open, sayAll, together } from "../client.mjs";
import { fixture } from "../fixtures.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

const { prefix, cases, refusals } = fixture("rooms");
const room = (name) => prefix + name;
const names = cases.filter(({ valid }) => valid).map(({ room }) => room);
const noNames = cases.filter(({ valid }) => !valid).map(({ room }) => room);

/** Every version, and the usual ones with every transport. */
const everyKind = [
  ...kinds,
  ...["4.5", "4.6", "4.7"].map((version) => ({ version, transport: "default upgrade", name: version })),
];

/** A packet as the client's own encoder takes it; the type is a number of the protocol. */
const packet = (type, nsp, data, id) => ({ type, nsp, data, id, options: {} });

for (const kind of everyKind) {
  test(`ROOM-1, ROOM-3 the original client chats in a room: ${kind.name}`, async (t) => {
    const { url } = await startServer(t);
    const [ann, bob] = [await join(t, url + room("cats"), kind), await join(t, url + room("cats"), kind)];
    const elsewhere = [await join(t, url, kind), await join(t, url + room("Cats"), kind)];
    await sayAll(ann, ["I am ann"]);
    await bob.heard(1);
    await sayAll(bob, ["I am bob"]);
    for (const client of [ann, bob]) assert.deepEqual(await client.heard(2), ["I am ann", "I am bob"]);
    for (const client of elsewhere) {
      await sayAll(client, ["alone"]);
      assert.deepEqual(client.timeline, ["alone"]);
    }
  });

  test(`ROOM-3 several rooms over one connection, no cross-talk: ${kind.name}`, async (t) => {
    const { url } = await startServer(t, { MESSAGE_RATE: "0" });
    const spaces = ["/", ...["a", "b", "c"].map(room)];
    const talkers = await together(t, url, spaces, kind);
    const listeners = await together(t, url, spaces, { ...kind, transport: "websocket only" });
    assert.equal(new Set(talkers.map(({ socket }) => socket.io.engine.id)).size, 1, "one connection");
    const texts = spaces.map((space) => numbered(`in ${space}`, 50));
    await Promise.all(talkers.map((talker, i) => sayAll(talker, texts[i])));
    for (const [i, listener] of listeners.entries()) assert.deepEqual(await listener.heard(50), texts[i]);
    for (const [i, { timeline }] of talkers.entries()) assert.deepEqual(timeline, texts[i]);
  });

  test(`ROOM-7 a refusal is final and concerns one room only: ${kind.name}`, async (t) => {
    const { url } = await startServer(t, { ROOMS: "team-*" });
    const main = await join(t, url, kind);
    const other = await beside(t, main, room("team-1")).joined();
    const barred = beside(t, main, room("cats"));
    assert.equal(await barred.refused(), "room_forbidden");
    await sayAll(other, ["still here"]);
    const { id } = main.socket.io.engine;
    main.socket.io.engine.close();
    await main.connected(2);
    await other.connected(2);
    assert.notEqual(main.socket.io.engine.id, id);
    await sayAll(other, ["again"]);
    if (kind.version !== "3.1") assert.deepEqual(barred.refusals, ["room_forbidden"], "it does not ask again");
    assert.deepEqual(barred.connects, []);
  });
}

for (const [version, io] of Object.entries(allVersions)) {
  test(`ROOM-3 a second io() of the same room opens a second connection: ${version}`, async (t) => {
    const { url } = await startServer(t);
    const sockets = ["cats", "dogs", "cats"].map((name) => io(url + room(name), { transports: ["websocket"] }));
    const heard = sockets.map(() => []);
    for (const [i, socket] of sockets.entries()) {
      t.after(() => socket.disconnect());
      socket.on("message", ({ message }) => heard[i].push(message));
    }
    await until("all are connected", () => sockets.every(({ connected }) => connected));
    const [cats, dogs, again] = sockets.map((socket) => socket.io.engine.id);
    assert.equal(cats, dogs, "different rooms share a connection");
    assert.notEqual(cats, again);
    sockets[2].emit("event:message", { message: "meow", username: "tom" });
    await until("both hear it", () => heard[0].length === 1 && heard[2].length === 1);
    assert.deepEqual(heard, [["meow"], [], ["meow"]]);
  });
}

test("ROOM-1 every legal name is a room of its own", async (t) => {
  const { url } = await startServer(t, { MESSAGE_RATE: "0" });
  const clients = await Promise.all(names.map((name) => join(t, url + room(name), { transport: "websocket only" })));
  await Promise.all(clients.map((client, i) => sayAll(client, [names[i]])));
  for (const [i, { timeline, socket }] of clients.entries()) {
    assert.equal(socket.nsp, room(names[i]), "the client sends the name unchanged");
    assert.deepEqual(timeline, [names[i]]);
  }
});

test("ROOM-1, ROOM-7 what is no name is refused", async (t) => {
  const { url } = await startServer(t);
  const main = await join(t, url, { transport: "websocket only" });
  for (const name of noNames) {
    assert.equal(await beside(t, main, room(name)).refused(), refusals[0], JSON.stringify(name));
  }
  await sayAll(main, ["unharmed"]);
});

test("ROOM-7 without rooms there is only the global one", async (t) => {
  const { url } = await startServer(t, { ROOMS: "off" });
  const main = await join(t, url);
  assert.equal(await beside(t, main, room("general")).refused(), "room_forbidden");
  await sayAll(main, ["as before"]);
  assert.deepEqual(await main.ask("rooms"), { rooms: [] });
});

test("ROOM-12 a connection is in so many rooms at most", async (t) => {
  const { url } = await startServer(t, { MAX_ROOMS_PER_CONNECTION: "3" });
  const [main, first] = await together(t, url, ["/", ...["a", "b", "c"].map(room)], { transport: "websocket only" });
  const fourth = beside(t, main, room("d"));
  assert.equal(await fourth.refused(), "too_many_rooms");
  first.socket.disconnect();
  // The server may handle the new room before the old one is left.
  for (let refused = 1; fourth.connects.length === 0; refused = fourth.refusals.length) {
    fourth.socket.connect();
    await until("an answer", () => fourth.connects.length > 0 || fourth.refusals.length > refused);
  }
  await sayAll(await fourth.joined(), ["in"]);
});

test("ROOM-10 packets for rooms that were left, or never joined, do no harm", async (t) => {
  const { url } = await startServer(t);
  const [main, left] = await together(t, url, ["/", room("left")], { transport: "websocket only" });
  const witnesses = [await join(t, url + room("left")), await join(t, url + room("never"))];
  left.socket.disconnect();
  for (const nsp of [room("left"), room("never"), "/admin", room("no name")]) {
    main.socket.io._packet(packet(2, nsp, ["event:message", { message: "stray", username: "x" }]));
    main.socket.io._packet(packet(2, nsp, ["event:message", { message: "stray", username: "x" }], 7));
    main.socket.io._packet(packet(3, nsp, ["an ack that nobody wants"], 7));
    main.socket.io._packet(packet(1, nsp));
  }
  await sayAll(main, ["unharmed"]);
  for (const witness of witnesses) {
    await sayAll(witness, ["the only one"]);
    assert.deepEqual(witness.timeline, ["the only one"]);
  }
  assert.deepEqual(main.disconnects, []);
  left.socket.connect();
  await left.connected(2);
  await sayAll(left, ["back"]);
});

test("ROOM-2 ids, history and typing belong to one room", async (t) => {
  const { url } = await startServer(t);
  const spaces = [room("a"), room("b")];
  const speakers = await together(t, url, spaces, { transport: "websocket only" });
  const others = await together(t, url, spaces, { transport: "websocket only" });
  const acks = await Promise.all(speakers.map((speaker, i) => speaker.say(`text ${i}`, { id: "the same" })));
  for (const { status, id } of acks) assert.deepEqual({ status, id }, { status: "ok", id: "the same" });
  for (const [i, other] of others.entries()) {
    assert.deepEqual(await other.heard(1), [`text ${i}`]);
    const { messages } = await other.ask("history", {});
    assert.deepEqual(
      messages.map(({ message }) => message),
      [`text ${i}`],
    );
    const late = await join(t, url + spaces[i], { auth: { history: 5 } });
    assert.deepEqual(await late.heard(1), [`text ${i}`]);
  }
  assert.deepEqual(await speakers[0].ask("typing", { username: "ada", typing: true }), { status: "ok" });
  const typing = ({ events }) => events.some(({ event }) => event === "typing");
  await until("the notice", () => typing(others[0]));
  assert.equal(typing(others[1]), false);
});

test("PRE-3, ROOM-2 online counts the members of the room", async (t) => {
  const { url } = await startServer(t);
  const [main] = [await join(t, url)];
  const cats = [await join(t, url + room("cats")), await join(t, url + room("cats"))];
  const dogs = await join(t, url + room("dogs"));
  const counted = async (expected) => {
    const all = [main, cats[0], dogs];
    await until(
      () => `${expected} online, said ${all.map(({ online }) => online)}`,
      () => all.every(({ online }, i) => online === expected[i]),
    );
  };
  await counted([1, 2, 1]);
  cats[1].socket.disconnect();
  await counted([1, 1, 1]);
  beside(t, dogs, "/");
  await counted([2, 1, 1]);
});

test("ROOM-13, ROOM-14 the public list", async (t) => {
  const { url } = await startServer(t, { ROOMS_LISTED: "lobby,cats" });
  const empty = { rooms: ["lobby", "cats"].map((name) => ({ name, online: 0 })) };
  const asked = await fetch(`${url}/rooms`, { headers: { origin: "https://example.org" } });
  assert.equal(asked.headers.get("access-control-allow-origin"), "*");
  assert.match(asked.headers.get("content-type"), /^application\/json/);
  assert.deepEqual(await asked.json(), empty);

  const everywhere = await together(t, url, [room("cats"), room("unlisted"), "/"]);
  const list = { rooms: [empty.rooms[0], { name: "cats", online: 1 }] };
  const equals = (answer) => JSON.stringify(answer) === JSON.stringify(list);
  await until("GET /rooms counts the member", async () => equals(await (await fetch(`${url}/rooms`)).json()));
  for (const member of everywhere) assert.deepEqual(await member.ask("rooms"), list);
});

test("ROOM-13 the list counts as a request for history", async (t) => {
  const { url } = await startServer(t);
  const [main, cats] = await together(t, url, ["/", room("cats")], { transport: "websocket only" });
  // All at once: a moment later, one request more would be allowed again.
  const asked = numbered("", 30).map((_, i) => (i % 2 ? main : cats).ask("rooms"));
  const history = main.ask("history", {});
  const answers = await Promise.all(asked);
  const refused = answers.filter(({ status }) => status === "error");
  assert(refused.length > 0 && refused.every(({ code }) => code === "rate_limited"), JSON.stringify(answers));
  assert.equal((await history).code, "rate_limited");
});

test("ROOM-14 an origin that is not allowed does not get the list", async (t) => {
  const { url } = await startServer(t, { ALLOWED_ORIGINS: "https://chat.example" });
  const ask = (origin) => fetch(`${url}/rooms`, { headers: { origin } });
  const allowed = await ask("https://chat.example");
  assert.equal(allowed.headers.get("access-control-allow-origin"), "https://chat.example");
  assert.equal((await ask("https://evil.example")).status, 403);
});

test("ROOM-8 a node that is full lets a CONNECT wait, and the client comes back", async (t) => {
  const { url } = await startServer(t, { MAX_ROOMS: "1", CONNECT_TIMEOUT: "1s" });
  const inside = await join(t, url + room("a"));
  const waiting = open(t, url + room("b"), { transport: "websocket only" });
  let closed = 0;
  waiting.socket.io.on("close", () => closed++);
  await until("the transport was closed twice", () => closed >= 2);
  assert.deepEqual([waiting.connects, waiting.refusals], [[], []]);
  await sayAll(inside, ["unharmed"]);
  inside.socket.disconnect();
  await sayAll(await waiting.joined(), ["in"]);
  assert.deepEqual(waiting.refusals, []);
});
