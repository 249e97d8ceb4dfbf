// Nothing stalls a session: no burst, no unknown event, no leaving and re-entering.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Socket as Engine } from "engine.io-client";
import { Manager } from "socket.io-client";
import { join, kinds, numbered, sayAll } from "../client.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

for (const kind of kinds) {
  test(`LIM-1, MSG-11 ten thousand at once, paced, in order, without a ping time-out: ${kind.name}`, async (t) => {
    // The flood takes over three seconds, and a client gives up a server that is silent for two.
    // It polls 16 packets at a time (EIO-8), and so may fall behind by half of the usual window, which would end it (LIM-7).
    const pace = {
      MESSAGE_RATE: "3000",
      MESSAGE_BURST: "200",
      PING_INTERVAL: "1s",
      PING_TIMEOUT: "1s",
      HISTORY_WINDOW: "30000",
    };
    const { url } = await startServer(t, pace);
    const witness = await join(t, url, { transport: "websocket only" });
    const other = await join(t, url, { transport: "websocket only" });
    const flood = await join(t, url, kind);
    const texts = numbered("n", 10_000);
    const flooded = sayAll(flood, texts);
    let done = false;
    flooded
      .catch(() => {})
      .finally(() => {
        done = true;
      });

    const waits = [];
    while (!done) {
      const sent = performance.now();
      assert.equal((await other.say(`other ${waits.length}`)).status, "ok");
      waits.push(performance.now() - sent);
    }
    await flooded;
    await witness.heard(10_000 + waits.length);
    assert.deepEqual(
      witness.timeline.filter((text) => text.startsWith("n ")),
      texts,
    );
    for (const client of [witness, other, flood]) assert.deepEqual(client.disconnects, []);
    waits.sort((a, b) => a - b);
    const median = waits[waits.length >> 1];
    // This process is busy with the flood, so the bound is wide; without pacing the others would wait for seconds.
    assert(median < 500, `others waited ${median.toFixed()} ms, the median of ${waits.length}`);
  });

  test(`unknown events do not stall a session: ${kind.name}`, async (t) => {
    const { url } = await startServer(t, { MESSAGE_RATE: "0" });
    const client = await join(t, url, kind);
    const unexpected = [];
    for (const text of numbered("known", 200)) {
      client.socket.emit("no:such:event", { text });
      client.socket.emit("no:such:event", text, (...answer) => unexpected.push(answer));
      client.socket.emit("event:message", { message: text, username: "tester" });
    }
    assert.deepEqual(await client.heard(200), numbered("known", 200));
    assert.deepEqual([unexpected, client.disconnects], [[], []]);
  });

  test(`leaving and coming back, again and again: ${kind.name}`, async (t) => {
    const { url } = await startServer(t);
    const witness = await join(t, url);
    const client = await join(t, url, kind);
    for (let round = 1; round <= 20; round++) {
      client.socket.disconnect();
      client.socket.connect();
      await client.connected(round + 1);
      await sayAll(client, [`round ${round}`]);
    }
    assert.deepEqual(await witness.heard(20), numbered("round", 21).slice(1));
  });
}

test("an unknown namespace is refused while the known one goes on", async (t) => {
  const { url } = await startServer(t);
  const manager = new Manager(url, { reconnection: false });
  const known = manager.socket("/");
  const unknown = manager.socket("/no-such-namespace");
  t.after(() => known.disconnect());
  const errors = [];
  unknown.on("connect_error", (error) => errors.push(error.message));
  await until("the refusal", () => errors.length === 1 && known.connected);
  assert.equal(errors[0], "Invalid namespace");
  const ack = await known.timeout(5000).emitWithAck("event:message", { message: "here", username: "tester" });
  assert.equal(ack.status, "ok");
});

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  test(`CON-1 one session leaves and rejoins the namespace without waiting: ${transports}`, async (t) => {
    const { url } = await startServer(t, { MESSAGE_RATE: "0" });
    const witness = await join(t, url);
    const rounds = 10; // as often as a session may before it has to wait (LIM-1)
    for (let session = 1; session <= 5; session++) {
      const packets = [];
      const engine = new Engine(url, { path: "/socket.io/", transports });
      t.after(() => engine.close());
      engine.on("message", (packet) => packets.push(packet));
      // All of it is on its way before the first answer comes.
      engine.on("open", () => {
        for (let round = 0; round < rounds; round++) {
          const said = JSON.stringify(["event:message", { message: `round ${round}`, username: "tester" }]);
          for (const packet of ["0", `2${round}${said}`, "1"]) engine.send(packet);
        }
        engine.send("0");
      });
      const answers = () => packets.filter((packet) => packet.startsWith("0{")).length;
      await until("every CONNECT is answered", () => answers() === rounds + 1);
      engine.send(`2["event:message",{"message":"end","username":"tester"}]`);
      await until("the last connection hears itself", () => packets.some((packet) => packet.includes('"end"')));
      const heard = await witness.heard(session * (rounds + 1));
      assert.deepEqual(heard.slice(-rounds - 1), [...numbered("round", rounds), "end"]);
    }
  });
}
