// docs/MIGRATING.md: the original server and chatd side by side, with the bridge of the examples between them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { versions } from "../client.mjs";
import { startProgram } from "../program.mjs";
import { startRedis } from "../redis.mjs";
import { freePort, startServer } from "../server.mjs";
import { until } from "../until.mjs";

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** startOriginal starts the server of the original chat, beside chatd on the same Redis, and returns its URL. */
async function startOriginal(t, redis) {
  const dir = path("bench/original");
  if (!existsSync(`${dir}/node_modules`)) execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: dir });
  const port = await freePort();
  startProgram(t, process.execPath, [`${dir}/server.mjs`, String(port), String(redis.port)]);
  const url = `http://127.0.0.1:${port}`;
  await until("the original answers", () => fetch(`${url}/socket.io/`).catch(() => undefined));
  return url;
}

test("the original and chatd are one room with the bridge, each message once, on one Redis", async (t) => {
  const redis = await startRedis(t);
  const [oldURL, server] = [await startOriginal(t, redis), await startServer(t, { REDIS_URL: redis.url })];
  const bridge = startProgram(t, process.execPath, [path("docs/examples/bridge.mjs"), oldURL, server.url]);
  await bridge.says(/^\* connected to (original)/);
  await bridge.says(/^\* connected to (chatd)/);
  const texts = { [oldURL]: [], [server.url]: [] };
  const sockets = {};
  for (const url of [oldURL, server.url]) {
    sockets[url] = versions[4.8](url, { transports: ["websocket"], forceNew: true });
    t.after(() => sockets[url].close());
    sockets[url].on("message", ({ message }) => texts[url].push(message));
    await until(`connected to ${url}`, () => sockets[url].connected);
  }
  const said = [];
  const say = async (url, message) => {
    said.push(message);
    sockets[url].emit("event:message", { message, username: "Ada" });
    await until(`everybody has ${message}`, () => Object.values(texts).every((all) => all.length >= said.length));
  };
  await say(oldURL, "from the old");
  await say(server.url, "from the new");
  // The same text again, also the same as one that was carried: each is a message of its own.
  for (const url of [oldURL, server.url, server.url, oldURL]) await say(url, "ok");
  // chatd ends, and the bridge carries what was said meanwhile.
  await server.stop("SIGKILL");
  sockets[oldURL].emit("event:message", { message: "meanwhile", username: "Ada" });
  said.push("meanwhile");
  await server.start();
  await until("it is there", () => texts[server.url].includes("meanwhile"));
  await say(server.url, "the end");
  for (const all of Object.values(texts)) assert.deepEqual(all, said);
});
