// What every stock client can rely on; the names carry the numbers of protocol/SPEC.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { join, kinds, numbered, open, sayAll, transports, versions } from "../client.mjs";
import { fixture } from "../fixtures.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

for (const [version, io] of Object.entries(versions)) {
  for (const [name, chosen] of Object.entries(transports)) {
    test(`the original client chats: ${version}, ${name}`, async (t) => {
      const { url } = await startServer(t);
      // As in the original: io(url), an emit with two fields, a listener with one parameter.
      const people = ["ann", "bob"].map((username) => {
        const socket = chosen ? io(url, { transports: chosen, forceNew: true }) : io(url, { forceNew: true });
        t.after(() => socket.disconnect());
        const heard = [];
        socket.on("message", (message) => heard.push(message));
        return { username, socket, heard };
      });
      await until("both are connected", () => people.every(({ socket }) => socket.connected));
      for (const { socket, username } of people) {
        const before = people[0].heard.length;
        socket.emit("event:message", { message: `I am ${username}`, username });
        await until("both heard it", () => people.every(({ heard }) => heard.length === before + 1));
      }
      for (const { heard } of people) {
        const fields = heard.map(({ message, username }) => ({ message, username }));
        assert.deepEqual(fields, [
          { message: "I am ann", username: "ann" },
          { message: "I am bob", username: "bob" },
        ]);
      }
      if (!chosen) {
        await until("the upgrade", () => people.every((p) => p.socket.io.engine.transport.name === "websocket"));
      }
    });
  }
}

for (const kind of kinds) {
  test(`PRE-1, OUT-1, ACK-2 the first events of a connection: ${kind.name}`, async (t) => {
    const { url } = await startServer(t);
    const client = await join(t, url, kind);
    await until("the welcome", () => client.events.length === 2);
    const [{ event, args, after }, welcome] = client.events;
    assert.deepEqual([event, after, args.length], ["presence", 0, 2]);
    assert.deepEqual(args[0], { online: 1 });
    assert.match(args[1], /^\d+-\d+$/);
    assert.deepEqual([welcome.event, welcome.after, welcome.args.length], ["welcome", 0, 1]);

    const heard = [];
    client.socket.on("message", (...message) => heard.push(message));
    const ack = await client.say("hello", { id: "my-1" });
    await until("the message", () => heard.length === 1);
    assert.deepEqual(ack, { status: "ok", id: "my-1", at: ack.at });
    assert(Math.abs(Date.now() - ack.at) < 60_000, `at is ${ack.at}`);
    const [payload, offset] = heard[0];
    const from = welcome.args[0].user.id;
    assert.match(from, /^~[\w-]{16}$/);
    assert.deepEqual(payload, { message: "hello", username: "tester", id: "my-1", from, at: ack.at });
    assert.match(offset, /^\d+-\d+$/);
  });

  test(`CON-2 to CON-4 history on join: ${kind.name}`, async (t) => {
    const { url } = await startServer(t, { HISTORY_MAX: "20" });
    const texts = numbered("past", 30);
    const speaker = await join(t, url);
    await sayAll(speaker, texts);
    const asked = await join(t, url, { ...kind, auth: { history: 10 } });
    const greedy = await join(t, url, { ...kind, auth: { history: 10_000 } });
    const silent = await join(t, url, kind);
    await sayAll(speaker, ["live"]);
    assert.deepEqual(await asked.heard(11), [...texts.slice(-10), "live"]);
    assert.deepEqual(await greedy.heard(21), [...texts.slice(-20), "live"]);
    assert.deepEqual(await silent.heard(1), ["live"]);
  });
}

test("CON-2, CON-3 every handshake of the fixtures gets the history it should", async (t) => {
  const { url } = await startServer(t, { MESSAGE_RATE: "0" });
  const texts = numbered("past", 250);
  const speaker = await join(t, url);
  await sayAll(speaker, texts);
  const { cases } = fixture("handshake");
  for (const { name, auth, history } of cases.filter(({ resume }) => !resume)) {
    const client = await join(t, url, { transport: "websocket only", ...(auth && { auth }) });
    await sayAll(client, [name]);
    await until(name, () => client.timeline.at(-1) === name);
    assert.equal(client.timeline.length, history + 1, name);
    client.socket.disconnect();
  }
});

test("MSG-1 to MSG-9 every message of the fixtures is answered and published as they say", async (t) => {
  const { cases, limits } = fixture("client-message");
  for (const { spec, name, args, ack, published: wanted } of cases) {
    // One server for each: for a single server several cases would be retries of the same message.
    const { url } = await startServer(t, { MAX_MESSAGE_CHARS: String(limits.maxMessageChars) });
    const client = await join(t, url, { transport: "websocket only" });
    const published = [];
    client.socket.on("message", (message) => published.push(message));
    const got = await client.ask("event:message", ...args);
    const { status, code, id } = got;
    assert.deepEqual({ status, code }, { status: ack.status, code: ack.code }, `${spec} ${name}`);
    if (ack.id) assert.equal(id, ack.id, `${spec} ${name}`);
    // Messages that were published before this mark have arrived before it.
    await sayAll(client, ["mark"]);
    await until("the mark", () => published.at(-1)?.message === "mark");
    const { from } = published.at(-1);
    const expected = wanted ? [{ ...wanted, id: wanted.id ?? id, from, at: got.at }] : [];
    assert.deepEqual(published.slice(0, -1), expected, `${spec} ${name}`);
  }
});

test("ACK-1 who asks for an ack gets exactly one, and who does not gets none", async (t) => {
  const { url } = await startServer(t);
  const client = await join(t, url);
  const acks = [];
  client.socket.io.on("packet", ({ type, id }) => type === 3 && acks.push(id)); // 3: ACK
  client.socket.emit("event:message", { message: "no ack", username: "tester" });
  client.socket.emit("event:message", { message: "", username: "tester" });
  const answers = await Promise.all([
    client.say("stored"),
    client.say(""),
    client.ask("history", {}),
    client.say("last"),
  ]);
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual(statuses, ["ok", "error", "ok", "ok"]);
  await client.heard(3);
  assert.deepEqual(acks.sort(), [0, 1, 2, 3]);
});

test("MSG-10 the same id again is acked and not published again", async (t) => {
  const { url } = await startServer(t);
  const client = await join(t, url);
  const first = await client.say("once", { id: "a" });
  const again = await client.say("once", { id: "a" });
  assert.deepEqual(again, first);
  // Another text, or another name, is another message.
  assert.equal((await client.say("twice", { id: "a" })).status, "ok");
  assert.equal((await client.say("once", { id: "a", username: "other" })).status, "ok");
  await sayAll(client, ["end"]);
  assert.deepEqual(await client.heard(4), ["once", "twice", "once", "end"]);
});

test("PRE-2 presence follows the number of connections, without an offset", async (t) => {
  const { url } = await startServer(t);
  const first = await join(t, url);
  const online = () => first.events.filter(({ event }) => event === "presence").map(({ args }) => args);
  const second = await join(t, url);
  await until("two are online", () => online().at(-1)[0].online === 2);
  second.socket.disconnect();
  await until("one is online", () => online().at(-1)[0].online === 1);
  for (const args of online().slice(1)) assert.equal(args.length, 1);
});

test("OUT-1, OUT-3 clients of every kind see one order", async (t) => {
  const { url } = await startServer(t, { MESSAGE_RATE: "0" });
  const clients = await Promise.all(kinds.map((kind) => join(t, url, kind)));
  const offsets = [];
  clients[0].socket.on("message", (_, offset) => offsets.push(offset.split("-").map(Number)));
  await Promise.all(clients.map((client, i) => sayAll(client, numbered(`c${i}`, 200))));
  const total = clients.length * 200;
  const reference = [...(await clients[0].heard(total))];
  for (const client of clients) assert.deepEqual(await client.heard(total), reference);
  for (const i of clients.keys()) {
    const own = reference.filter((text) => text.startsWith(`c${i} `));
    assert.deepEqual(own, numbered(`c${i}`, 200), "a sender's own order");
  }
  const grow = offsets.every(
    ([ms, n], i) => i === 0 || ms > offsets[i - 1][0] || (ms === offsets[i - 1][0] && n > offsets[i - 1][1]),
  );
  assert(grow, "offsets grow");
});

test("LIM-5 an origin that is not allowed is refused, readably for a browser", async (t) => {
  const { url } = await startServer(t, {
    ALLOWED_ORIGINS: "https://chat.example,https://chat-*-team.vercel.app",
  });
  const handshake = `${url}/socket.io/?EIO=4&transport=polling`;
  const ask = (origin, method = "GET") => fetch(handshake, { method, headers: { origin } });
  for (const origin of ["https://chat.example", "https://chat-42-team.vercel.app"]) {
    const response = await ask(origin);
    assert.equal(response.status, 200, origin);
    assert.equal(response.headers.get("access-control-allow-origin"), origin);
  }
  for (const origin of ["https://evil.example", "https://chat.example.evil.example", "null"]) {
    const response = await ask(origin);
    assert.equal(response.status, 403, origin);
    assert([origin, "*"].includes(response.headers.get("access-control-allow-origin")), "CORS on the refusal");
  }
  for (const transport of ["polling only", "websocket only"]) {
    const extraHeaders = { origin: "https://evil.example" };
    const refused = open(t, url, { transport, extraHeaders, reconnection: false });
    const errors = [];
    refused.socket.on("connect_error", (error) => errors.push(error));
    await until(`refused: ${transport}`, () => errors.length === 1);
    assert.equal(refused.socket.connected, false);
  }
});

test("LIM-4 a full server says so, readably for a browser", async (t) => {
  const { url } = await startServer(t, { MAX_CONNECTIONS: "1", MAX_CONNECTIONS_PER_IP: "0" });
  await join(t, url);
  const headers = { origin: "https://chat.example" };
  const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers });
  assert.equal(response.status, 503);
  assert(response.headers.get("retry-after"), "Retry-After");
  assert(["*", headers.origin].includes(response.headers.get("access-control-allow-origin")), "CORS on the refusal");
});
