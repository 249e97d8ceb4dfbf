// The promises of `npm run dev`: it says which port is taken, prints two addresses that answer, and leaves nothing behind.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readPorts } from "./ports.mjs";
import { Problem } from "./problem.mjs";
import { root } from "./processes.mjs";

const apiKey = "the key with which the tests of npm run dev ask";

/** Dev is a running `npm run dev` on ports of its own. */
class Dev {
  output = "";

  constructor({ serverPort, webPort, dataDir = "off" }) {
    this.url = `http://localhost:${serverPort}`;
    const env = {
      ...process.env,
      PORT: String(serverPort),
      WEB_PORT: String(webPort),
      NEXT_PUBLIC_SERVER_URL: "",
      DATA_DIR: dataDir,
      API_KEYS: apiKey,
    };
    this.npm = spawn("npm", ["run", "dev"], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.npm.stdout, this.npm.stderr]) {
      stream.on("data", (chunk) => {
        this.output += chunk;
      });
    }
    this.ended = once(this.npm, "close").then(([code, signal]) => ({ code, signal }));
  }

  async prints(text) {
    const deadline = Date.now() + 120_000;
    while (!this.output.includes(text)) {
      assert(this.npm.exitCode === null && Date.now() < deadline, `never printed ${text}:\n${this.output}`);
      await delay(50);
    }
  }

  /** messages asks the server for what was said, after saying something if there is a body. */
  async messages(body) {
    const headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" };
    const request = body ? { method: "POST", body: JSON.stringify(body), headers } : { headers };
    const answer = await fetch(`${this.url}/api/v1/messages`, request);
    assert.equal(answer.status, 200);
    return (await answer.json()).messages;
  }

  /** descendants lists every process that this one started, as { pid, args }. */
  descendants() {
    const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
    const all = lines.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter(Boolean);
    const found = [{ pid: this.npm.pid, args: "npm" }];
    for (const { pid } of found) {
      for (const [, child, parent, args] of all) if (Number(parent) === pid) found.push({ pid: Number(child), args });
    }
    return found;
  }
}

test("a port that is none is refused, with what to write", () => {
  const defaults = { PORT: 8000, WEB_PORT: 3000 };
  assert.deepEqual(readPorts(defaults, {}), [8000, 3000]);
  assert.deepEqual(readPorts(defaults, { PORT: " :9000 ", WEB_PORT: "" }), [9000, 3000]);
  const refused = (env, ...said) => {
    assert.throws(
      () => readPorts(defaults, env),
      (error) => error instanceof Problem && said.every((text) => error.message.includes(text)),
    );
  };
  refused({ PORT: "http", WEB_PORT: "70000" }, "PORT must be a number", '(it is "http")', "WEB_PORT must be a number");
  refused({ PORT: "0" }, "from 1 to 65535, such as 8000");
  refused({ PORT: "-1" }, "PORT must be");
  refused({ PORT: "8000.5" }, "PORT must be");
  refused({ PORT: "3000" }, "PORT and WEB_PORT must differ");
});

async function freePorts(count) {
  const probes = await Promise.all(Array.from({ length: count }, () => listen()));
  const ports = probes.map((probe) => probe.address().port);
  for (const probe of probes) probe.close();
  return ports;
}

async function listen() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function isAlive({ pid }) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** startedBoth starts everything, checks that both printed addresses answer, and returns what is running. */
async function startedBoth(t, dataDir) {
  const [serverPort, webPort] = await freePorts(2);
  const dev = new Dev({ serverPort, webPort, dataDir });
  t.after(async () => {
    dev.npm.kill("SIGTERM");
    await dev.ended;
  });
  await dev.prints("Ctrl-C stops both.");
  for (const url of [`http://localhost:${serverPort}`, `http://localhost:${webPort}`]) {
    assert(dev.output.includes(url), `${url} in\n${dev.output}`);
  }
  assert.equal((await fetch(`http://localhost:${serverPort}/readyz`)).status, 200);
  assert.match(await (await fetch(`http://localhost:${webPort}/`)).text(), /<html/);
  return { dev, running: dev.descendants() };
}

async function assertAllGone(running, output) {
  const deadline = Date.now() + 60_000;
  while (running.some(isAlive) && Date.now() < deadline) await delay(50);
  assert.deepEqual(running.filter(isAlive), [], output);
}

test("a taken port is named, with who takes it, before anything starts", async (t) => {
  const taken = await listen();
  t.after(() => taken.close());
  const [webPort] = await freePorts(1);
  const { port } = taken.address();
  const dev = new Dev({ serverPort: port, webPort });
  assert.notEqual((await dev.ended).code, 0);
  assert.match(dev.output, new RegExp(`Port ${port}, which the server needs, is taken`));
  assert.doesNotMatch(dev.output, /web +\|/);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal} to npm stops both and leaves nothing behind`, async (t) => {
    const { dev, running } = await startedBoth(t);
    dev.npm.kill(signal);
    await dev.ended;
    await assertAllGone(running, dev.output);
  });
}

test("when the server dies, the web app is stopped and the exit code tells", async (t) => {
  const { dev, running } = await startedBoth(t);
  const chatd = running.find(({ args }) => /bin\/chatd$/.test(args));
  process.kill(chatd.pid, "SIGKILL");
  assert.notEqual((await dev.ended).code, 0);
  assert.match(dev.output, /The server (was ended by SIGKILL|ended with exit code 137): stopping both/);
  await assertAllGone(running, dev.output);
});

test("what was said is still there when both are started again", async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "chat-dev-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const { dev, running } = await startedBoth(t, dataDir);
  await dev.messages({ message: "remember" });
  dev.npm.kill("SIGTERM");
  await dev.ended;
  await assertAllGone(running, dev.output);
  const again = (await startedBoth(t, dataDir)).dev;
  assert.deepEqual(
    (await again.messages()).map(({ message }) => message),
    ["remember"],
  );
});
