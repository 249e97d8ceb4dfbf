// Servers that run during one measurement.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Problem } from "../scripts/problem.mjs";
import { ending, environment, Group } from "../scripts/processes.mjs";

const patienceMs = 20_000;
const graceMs = 5000;
const running = new Set();

// No server outlives this process, however it ends.
process.on("exit", () => {
  for (const group of running) group.signal("SIGKILL");
});
for (const [name, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.on(name, () => process.exit(code));
}

export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** withServer runs a command, without our settings, and calls body(pid) once its port accepts connections. */
export async function withServer(name, command, port, env, body) {
  const lines = [];
  const group = start(command, { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, (line) => lines.push(line));
  let ended;
  group.exited.then(({ code, signal }) => {
    ended = ending(code, signal);
  });
  try {
    await until(port, () => ended);
    const result = await body(group.child.pid);
    if (ended) throw new Error(ended);
    return result;
  } catch (error) {
    if (ended) throw new Problem([`${name} ${ended}`, ...lines.slice(-20)].join("\n"));
    throw error;
  } finally {
    await group.stop(graceMs);
    running.delete(group);
  }
}

/** output runs a command to its end and returns what it printed; any other exit code than the accepted ones is a Problem. */
export async function output(command, accepted) {
  const lines = [];
  const group = start(command, environment(), (line) => lines.push(line));
  const { code, signal } = await group.exited;
  running.delete(group);
  if (!accepted.includes(code)) {
    throw new Problem([`${command.join(" ")} ${ending(code, signal)}`, ...lines.slice(-20)].join("\n"));
  }
  return lines;
}

function start([program, ...args], env, onLine) {
  const group = new Group(program, args, { env, onLine });
  running.add(group);
  return group;
}

async function until(port, hasEnded) {
  for (const deadline = Date.now() + patienceMs; !(await listens(port)); ) {
    if (hasEnded()) throw new Problem("ended");
    if (Date.now() > deadline) throw new Problem(`Nothing listened on port ${port} after ${patienceMs / 1000} s.`);
    await delay(50);
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
