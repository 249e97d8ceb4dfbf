// The options of stock clients; the names carry the numbers of protocol/SPEC.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { join, kinds } from "../client.mjs";
import { startServer } from "../server.mjs";
import { until } from "../until.mjs";

const options = {
  "EIO-1 a fixed t": { query: { t: "tenant-7" }, timestampRequests: false },
  "EIO-1 no t": { timestampRequests: false },
  "EIO-1 t by another name": { timestampParam: "stamp" },
  "EIO-5 credentials": { withCredentials: true },
  "EIO-6 headers of its own": { extraHeaders: { "X-Token": "x", Origin: "http://elsewhere.example" } },
  "EIO-7 a sub-protocol": { protocols: ["chat.v1"] },
  "EIO-7 two sub-protocols": { protocols: ["chat.v1", "chat.v2"] },
  "EIO-9 base64": { forceBase64: true },
  "EIO-9 a query of many kinds": { query: { n: 1, yes: true, none: null, list: [1, 2], text: "ä;&=" } },
  "EIO-9 WebSocket before polling": { transports: ["websocket", "polling"], upgrade: true, rememberUpgrade: true },
  "EIO-9 no upgrade": { upgrade: false },
  "EIO-9 no slash at the end": { addTrailingSlash: false },
  "EIO-9 a function for auth": { auth: (tell) => tell({ colour: "x", history: 0 }) },
};

const cases = Object.entries(options).flatMap(([name, chosen]) =>
  kinds.map((kind) => ({ ...kind, name: `${name}: ${kind.name}`, chosen })),
);

test("every option chats, and stays", { concurrency: 8 }, async (t) => {
  const { url } = await startServer(t, { PING_INTERVAL: "300ms", PING_TIMEOUT: "10s" });
  const all = cases.map(({ name, chosen, ...kind }) =>
    t.test(name, async (t) => {
      const client = await join(t, url, { ...kind, ...chosen });
      // All pongs look the same, whatever the rest of the request.
      let pings = 0;
      client.socket.io.engine.on("packet", ({ type }) => {
        if (type === "ping") pings++;
      });
      const texts = ["same", "same", "same", "other"].map((text) => `${name} ${text}`);
      for (const text of texts) assert.equal((await client.say(text)).status, "ok");
      await until("all messages", () => client.timeline.filter((text) => texts.includes(text)).length === 4);
      client.socket.emit(1, "x"); // unknown, and no harm
      client.socket.emit(-1.5);
      await until("some heartbeats", () => pings >= 3);
      assert.equal((await client.say(`${name} later`)).status, "ok");
      assert.deepEqual(client.disconnects, []);
      assert.equal(client.connects.length, 1);
    }),
  );
  await Promise.all(all);
});
