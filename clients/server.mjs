import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { assertNoSecretIn } from "./secrets.mjs";
import { until } from "./until.mjs";

const chatd = fileURLToPath(new URL("../bin/chatd", import.meta.url));
/** A server of somebody else, built on the adapter. */
export const embedder = fileURLToPath(new URL("../bin/embedder", import.meta.url));
// Another command runs the same tests against another server, or against a chatd built with the race detector.
const usual = process.env.SERVER_COMMAND?.split(" ") ?? [chatd, "--config=/dev/null"];

// The server takes no settings from the environment of the test, does not wait for a load balancer, and keeps the record in
// memory unless the test is about the record.
const defaults = {
  PATH: process.env.PATH,
  HOST: "127.0.0.1",
  LOG_LEVEL: "debug",
  DRAIN_DELAY: "0s",
  DRAIN_TIMEOUT: "10s",
  DATA_DIR: "off",
};

/** Server is one chatd, or another program with the same events, on its own port, which a restart keeps. */
class Server {
  constructor(port, settings, program) {
    this.program = program;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.env = { ...defaults, ...settings, PORT: String(port) };
    this.output = "";
  }

  /** start returns when the server is ready, and fails with its output when it ends instead. */
  async start() {
    const [command, ...args] = this.program;
    this.process = spawn(command, args, { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on("data", (chunk) => {
        this.output += chunk;
      });
    }
    await until("the server is ready", async () => {
      assert.equal(this.process.exitCode, null, `the server ended:\n${this.output}`);
      return await this.#isReady();
    });
    return this;
  }

  async #isReady() {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  get running() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** stop sends the signal, waits for the end and returns the exit code (null after SIGKILL). */
  async stop(signal = "SIGTERM") {
    if (!this.running) return this.process.exitCode;
    this.process.kill(signal);
    const [code] = await once(this.process, "exit");
    return code;
  }
}

/** startServer starts a chatd with these settings (names as in the environment) that ends with the test. */
export async function startServer(t, settings = {}, program = usual) {
  const server = new Server(await freePort(), settings, program);
  t.after(async () => {
    // A server that ends by itself is a failure.
    const died = !server.running && server.process.exitCode > 0;
    await server.stop("SIGKILL");
    assert(!died, `the server ended with ${server.process.exitCode}:\n${server.output}`);
    assert.doesNotMatch(server.output, /panic|DATA RACE/);
    assertNoSecretIn(server.output);
  });
  return await server.start();
}

/** freePort is a loopback port that nobody listens on. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  return port;
}
