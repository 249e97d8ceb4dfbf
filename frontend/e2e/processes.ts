import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { chatd } from "./build";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** until polls a condition and throws after half a minute. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await delay(20)) {
    if (await condition()) return;
  }
  throw new Error(`In vain: ${what}`);
}

/** A program that a test starts, stops and kills. */
class Program {
  #child: ChildProcess | undefined;
  #said = "";

  protected async run(command: string, args: string[], env: Record<string, string>, ready: () => Promise<boolean>) {
    const child = spawn(command, args, {
      env: { NODE_ENV: "test", PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text) => {
        this.#said = (this.#said + text).slice(-20_000);
      });
    }
    this.#child = child;
    await until(`${command} is ready`, async () => {
      if (child.exitCode !== null) throw new Error(`${command} ended:\n${this.#said}`);
      return ready();
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async end(name: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGCONT");
    child.kill(name);
    await exited;
  }
}

/** The real server. It keeps its port across restarts. */
export class Chatd extends Program {
  readonly port: number;
  readonly #env: Record<string, string>;

  constructor(port: number, env: Record<string, string> = {}) {
    super();
    this.port = port;
    this.#env = env;
  }

  start(): Promise<void> {
    const env = { PORT: String(this.port), HOST: "127.0.0.1", DRAIN_DELAY: "0s", DATA_DIR: "off", ...this.#env };
    return this.run(chatd, [], env, async () => {
      const response = await fetch(`http://127.0.0.1:${this.port}/readyz`).catch(() => undefined);
      await response?.arrayBuffer();
      return response?.ok === true;
    });
  }
}

export class Redis extends Program {
  readonly #folder = mkdtempSync(join(tmpdir(), "chat-redis-"));
  readonly port: number;

  constructor(port: number) {
    super();
    this.port = port;
  }

  start(): Promise<void> {
    const options = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    return this.run("redis-server", [...options, "--dir", this.#folder], {}, () => accepts(this.port));
  }

  override async end(): Promise<void> {
    await super.end("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
    socket.once("connect", () => socket.end());
  });
}
