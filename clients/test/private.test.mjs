// REC: what a server sends to one client, or to some, never moves the place from which that client recovers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds, open } from "../client.mjs";
import { embedder, startServer } from "../server.mjs";
import { until } from "../until.mjs";

const modern = kinds.filter(({ version }) => version === "4.8");

/** What is sent to the client before each cut: how, and the event with its arguments. */
const sent = [
  ["private", "x", "text"],
  ["private", "x"],
  ["private", "x", { a: "text" }, "1-1"],
  ["private", "x", ["text"]],
  ["private", "x", 'ends in "]'],
  ["private", "x", null],
  ["private", "x", Buffer.from("bytes"), "text"],
  ["room", "x", "text"],
  ["volatile", "x", "text"],
];

/** cut ends the connection under the client and waits until it is back. */
async function cut(client) {
  const times = client.connects.length;
  client.socket.io.engine.close();
  await client.connected(times + 1);
}

/** heard waits for an event and returns the arguments that it came with, without a null at the end. */
async function heard(client, name) {
  await until(name, () => client.events.some(({ event }) => event === name));
  const { args } = client.events.splice(0).find(({ event }) => event === name);
  return args.at(-1) === null ? args.slice(0, -1) : args;
}

for (const kind of modern) {
  test(`REC-7, REC-8 private events leave a recovery alone, and the id stays: ${kind.name}`, async (t) => {
    const server = await startServer(t, {}, [embedder]);
    const client = open(t, server.url, kind);
    const witness = open(t, server.url, { transport: "websocket only" });
    await client.joined();
    await witness.joined();
    const { id } = client.socket;
    for (const [i, [how, name, ...args]] of sent.entries()) {
      client.events.length = 0;
      client.socket.emit(how, name, ...args);
      const got = await heard(client, name);
      assert.deepEqual(got, args.at(-1) === null ? [] : args, `${how} ${JSON.stringify(args)}`);
      await Promise.all([cut(client), witness.socket.emit("everyone", "message", { message: `missed ${i}` })]);
      await client.heard(i + 1);
      assert.equal(client.connects.at(-1).recovered, true, `${how} ${JSON.stringify(args)}`);
      assert.equal(client.socket.id, id);
    }
    assert.deepEqual(
      client.timeline,
      sent.map((_, i) => `missed ${i}`),
    );
  });
}

test("REC-8 a client of 3.1, which knows no recovery, gets a new id", async (t) => {
  const server = await startServer(t, {}, [embedder]);
  const client = open(t, server.url, { version: "3.1" });
  await client.joined();
  const { id } = client.socket;
  client.socket.emit("private", "x", "text");
  assert.deepEqual(await heard(client, "x"), ["text"]);
  await cut(client);
  assert.notEqual(client.socket.id, id);
});
