import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./server.mjs";
import { until } from "./until.mjs";

const run = promisify(execFile);

/** Redis is one redis-server on a port of its own. */
class Redis {
  constructor(port, process) {
    this.port = port;
    this.process = process;
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** freeze keeps connections open and answers nothing, until thaw. */
  freeze() {
    this.process.kill("SIGSTOP");
  }

  thaw() {
    this.process.kill("SIGCONT");
  }

  /** ask runs one command and returns what redis-cli printed, by line. */
  async ask(...command) {
    const { stdout } = await run("redis-cli", ["-p", this.port, ...command]);
    return stdout.split("\n").filter(Boolean);
  }
}

/** startRedis starts a redis-server that ends with the test. */
export async function startRedis(t) {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), "redis-"));
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir];
  const process = spawn("redis-server", args, { stdio: "ignore" });
  const redis = new Redis(port, process);
  const ended = new Promise((resolve) => process.once("close", resolve).once("error", resolve));
  t.after(async () => {
    process.kill("SIGKILL");
    await ended;
    await rm(dir, { recursive: true });
  });
  await until("redis-server answers", async () => {
    assert.equal(process.exitCode, null, "redis-server ended; it must be on PATH");
    return await redis.ask("PING").then(
      ([answer]) => answer === "PONG",
      () => false,
    );
  });
  return redis;
}
