import assert from "node:assert/strict";
import { startNginx } from "./nginx.mjs";
import { startRedis } from "./redis.mjs";
import { startServer } from "./server.mjs";

/** startCluster starts Redis, three nodes, with more settings than the usual ones, and a balancer. */
export async function startCluster(t, more = {}) {
  const redis = await startRedis(t);
  const settings = { REDIS_URL: redis.url, MESSAGE_RATE: "0", ...more };
  const servers = await Promise.all([1, 2, 3].map(() => startServer(t, settings)));
  return { redis, servers, url: await startNginx(t, servers) };
}

/** ownerOf returns the server that holds a client's session: session ids begin with the id of their node. */
export function ownerOf(client, servers) {
  const node = client.socket.io.engine.id.split(".")[0];
  return servers.find(({ output }) => output.includes(`node=${node} `));
}

/** idsOf are the names under which a session could be stored. */
export const idsOf = ({ socket }) => [socket.id, socket._pid, socket.io.engine.id];

const reading = { string: ["GET"], hash: ["HGETALL"], stream: ["XRANGE", "-", "+"] };

/** noneStored checks that Redis holds the rooms and the nodes, and nothing of any session, in whatever key. */
export async function noneStored(redis, ids) {
  const global = /^(chat|\{chat\}:(nodes|token|guests|settings|rooms:news|keys:\d+|writer:\w+))$/;
  const room = /^\{chat:[\w.~-]{1,64}\}:room(:(genesis|keys:\d+|writer:[\w-]+|online))?$/;
  for (const key of await redis.ask("--scan")) {
    assert(global.test(key) || room.test(key), `an unexpected key: ${key}`);
    const [type] = await redis.ask("TYPE", key);
    const [command, ...range] = reading[type];
    const content = (await redis.ask(command, key, ...range)).join("\n");
    assert.deepEqual(
      ids.filter((id) => content.includes(id)),
      [],
      `sessions in ${key}`,
    );
  }
}
