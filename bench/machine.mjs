// What the figures depend on: the machine, its cores, and its other work.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { findProgram } from "../scripts/system.mjs";

// Before we built anything.
const loadAtStart = loadavg()[0];

/**
 * cores picks one for the server, one for the load generator and, if there is a third, one for Redis, out of those that we
 * may use. undefined means: wherever the system puts it.
 */
export function cores() {
  const allowed = allowedCores();
  const pinnable = allowed.length > 1 && findProgram("taskset");
  return pinnable ? { server: allowed[0], generator: allowed[1], redis: allowed[2] } : {};
}

/** allowedCores reads a list such as "0-3,8". */
function allowedCores() {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))[1];
  return list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** pinned is the command that runs a command on a core. */
export function pinned(core, command) {
  return core === undefined ? command : ["taskset", "-c", String(core), ...command];
}

/** machine describes it for a report. */
export function machine() {
  return {
    cpu: cpus()[0]?.model,
    count: cpus().length,
    pinning: cores(),
    kernel: release(),
    node: process.version,
    go: version("go", ["env", "GOVERSION"]),
    redis: /v=(\S+)/.exec(version("redis-server", ["--version"]))?.[1],
    load: loadAtStart,
  };
}

function version(program, args) {
  return execFileSync(findProgram(program), args, { encoding: "utf8" }).trim();
}
