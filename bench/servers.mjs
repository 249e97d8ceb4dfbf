// The servers that are compared: how each is built and started. All listen on 127.0.0.1.
import { statSync } from "node:fs";
import { join } from "node:path";
import { environment, root, run } from "../scripts/processes.mjs";

const bin = join(root, "bin");

/**
 * A server is given its port, the port of Redis and a name for its room, and says what to run. Where it needs another
 * protocol or command for loads with rooms, `rooms` has them.
 */
export const servers = {
  node: {
    title: "Node original",
    protocol: "sio",
    build: () => installOriginal(join(root, "bench/original")),
    command: (port, redis) => ["node", join(root, "bench/original/server.mjs"), String(port), String(redis)],
    env: { NODE_ENV: "production" },
    rooms: {
      protocol: "sio-rooms",
      command: (port, redis) => ["node", join(root, "bench/original/rooms.mjs"), String(port), String(redis)],
    },
  },
  centrifuge: {
    title: "centrifuge",
    protocol: "centrifuge",
    build: () => build(join(root, "bench/centrifuge"), "bench-centrifuge", ".", { GOWORK: "off" }),
    command: (port, redis) => [
      join(bin, "bench-centrifuge"),
      "-listen",
      `127.0.0.1:${port}`,
      "-redis",
      `127.0.0.1:${redis}`,
    ],
  },
  chatd: {
    title: "chatd, embedded",
    protocol: "sio",
    build: buildChatd,
    command: chatd,
  },
  "chatd-file": {
    title: "chatd, file",
    protocol: "sio",
    build: buildChatd,
    command: (port, _redis, _room, dir) => [...chatd(port), "--data-dir", dir],
  },
  "chatd-redis": {
    title: "chatd, Redis",
    protocol: "sio",
    build: buildChatd,
    command: (port, redis, room) => [...chatd(port), "--redis-url", `redis://127.0.0.1:${redis}`, "--stream-key", room],
  },
};

/** The load generator. It also makes the bare writes, which are compared last. */
export const chatbench = {
  path: join(bin, "chatbench"),
  build: () => build(join(root, "server"), "chatbench", "./cmd/chatbench"),
};

function buildChatd() {
  return build(join(root, "server"), "chatd", "./cmd/chatd");
}

// A sender of the closed loop exceeds any sensible rate for one person, so the flood control is off, as with the others.
function chatd(port) {
  const settings = {
    config: "/dev/null",
    host: "127.0.0.1",
    port,
    "message-rate": 0,
    "log-level": "warn",
    "drain-delay": "0s",
    "data-dir": "off",
  };
  return [join(bin, "chatd"), ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`)];
}

function build(cwd, name, source, env = {}) {
  return run("go", ["build", "-o", join(bin, name), source], { cwd, env: environment(env) });
}

async function installOriginal(cwd) {
  // npm writes this hidden copy of the lock file last, so an interrupted installation does not count as one.
  const installed = modified(join(cwd, "node_modules/.package-lock.json"));
  if (installed < modified(join(cwd, "package-lock.json"))) await run("npm", ["ci", "--loglevel=error"], { cwd });
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
