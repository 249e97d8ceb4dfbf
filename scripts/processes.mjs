import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Problem } from "./problem.mjs";

/** The top folder of the repository; every script works from there, wherever it was started. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** environment is what every child gets: ours, the installed Go toolchain and no other, and no telemetry. */
export function environment(extra = {}) {
  return {
    ...process.env,
    GOTOOLCHAIN: "local",
    NEXT_TELEMETRY_DISABLED: "1",
    TURBO_TELEMETRY_DISABLED: "1",
    ...extra,
  };
}

/** ending says in words how a process ended. */
export function ending(code, signal) {
  return signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
}

/**
 * Group is a command in a process group of its own, so that it and all it started can be stopped as one. Its lines, of
 * both outputs in the order of arrival, go to onLine. `exited` resolves to { code, signal } when the command ends; a
 * command that cannot be started ends with code 127.
 */
export class Group {
  constructor(command, args, { cwd = root, env = environment(), onLine }) {
    this.child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface({ input: stream }).on("line", onLine);
    }
    this.exited = new Promise((resolve) => {
      this.child.once("close", (code, signal) => resolve({ code, signal }));
      this.child.once("error", (error) => {
        onLine(error.message);
        resolve({ code: 127, signal: null });
      });
    });
  }

  /** signal reaches every process of the group; it returns false if none is left. */
  signal(name) {
    try {
      return this.child.pid !== undefined && process.kill(-this.child.pid, name);
    } catch (error) {
      if (error.code === "ESRCH") return false;
      throw error;
    }
  }

  /** stop asks the group to end, waits up to graceMs until none of it is left, then kills the rest. */
  async stop(graceMs) {
    const deadline = Date.now() + graceMs;
    this.signal("SIGTERM");
    while (this.signal(0) && Date.now() < deadline) await delay(50);
    this.signal("SIGKILL");
    await this.exited;
  }
}

/** run runs a command to its end on our own terminal; anything but exit code 0 is a Problem. */
export async function run(command, args, { cwd = root, env = environment() } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
  const how = await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code === 0 ? "" : ending(code, signal)));
  });
  if (how) throw new Problem(`${[command, ...args].join(" ")} ${how}`);
}
