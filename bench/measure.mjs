// Runs the loads on the servers and returns the figures.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loads } from "./loads.mjs";
import { cores, pinned } from "./machine.mjs";
import { freePort, output, withServer } from "./processes.mjs";
import { chatbench, servers } from "./servers.mjs";

/** The names of the bare write(2) and of the bare syncs of the disk among the servers. */
export const floor = "write";
export const disk = "disk";

/** The servers with budgets. */
export const judged = ["chatd", "chatd-file", "chatd-redis"];

/**
 * measure runs the picked loads on each of `only`, one after the other, round after round, beside one Redis. Each result is
 * { round, load, server } and what `chatbench load -json` prints, and goes to onResult as soon as it is there.
 */
export async function measure({ rounds, seconds, hold, loads: picked, only }, onResult) {
  const pinning = cores();
  const port = await freePort();
  const redis = ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  return await withServer("Redis", pinned(pinning.redis, redis), port, {}, async (redisPid) => {
    const results = [];
    for (const run of plan(rounds, picked, only)) {
      const settings = { ...run, seconds, hold, pinning, redis: port, redisPid };
      results.push({ ...run, ...(await measureRun(settings, results)) });
      onResult(results.at(-1));
    }
    return results;
  });
}

async function measureRun(settings, results) {
  if (settings.server === floor) return await measureFloor(settings, results);
  return await withDirectory((dir) => (settings.server === disk ? measureDisk(dir) : measureServer(settings, dir)));
}

/** withDirectory calls body(dir) with a new directory, where a server may keep its record. */
async function withDirectory(body) {
  const dir = await mkdtemp(join(tmpdir(), "chat-bench-"));
  try {
    return await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** plan lists the runs; runs that are compared follow each other. */
function plan(rounds, picked, only) {
  const numbers = Array.from({ length: rounds }, (_, i) => i + 1);
  const all = numbers.flatMap((round) => picked.flatMap((load) => only.map((server) => ({ round, load, server }))));
  return all.filter(
    ({ load, server }) =>
      (server !== floor || loads[load].floorRate !== undefined) && (server !== disk || loads[load].syncs),
  );
}

async function measureServer({ round, load, server, seconds, hold, pinning, redis, redisPid }, dir) {
  const { args, idle, rooms } = loads[load];
  const { title, protocol, command, env } = { ...servers[server], ...(rooms && servers[server].rooms) };
  const port = await freePort();
  // Every run has its own empty room.
  const serve = pinned(pinning.server, command(port, redis, `bench-${round}-${load}`, dir));
  const time = idle ? ["-hold", `${hold}s`] : ["-d", `${seconds}s`, "-warmup", "1s"];
  return await withServer(title, serve, port, env, async (pid) => {
    const where = [
      "-urls",
      `http://127.0.0.1:${port}`,
      "-proto",
      protocol,
      "-pids",
      String(pid),
      "-store-pids",
      String(redisPid),
    ];
    return await figures(pinned(pinning.generator, [chatbench.path, "load", "-json", ...where, ...args, ...time]));
  });
}

/** measureFloor writes as many bytes as a frame of chatd has in the same round. */
async function measureFloor({ round, load, seconds, pinning }, results) {
  const like = results.filter((r) => r.round === round && r.load === load && judged.includes(r.server)).at(-1);
  const size = Math.round(like?.bytes_per_delivery ?? 110);
  const where = pinning.server === undefined ? [] : ["-cores", `${pinning.server},${pinning.generator}`];
  const how = ["-n", "500", "-rate", String(loads[load].floorRate), "-size", String(size), "-d", `${seconds}s`];
  const { writes_per_s, cpu_us_per_write } = await figures([chatbench.path, "floor", "-json", ...how, ...where]);
  return { deliveries_per_s: writes_per_s, cpu_us_per_delivery: cpu_us_per_write, bytes_per_delivery: size };
}

/** measureDisk tells how long the disk takes to sync a page. */
async function measureDisk(dir) {
  const { p50_ms: p50, p99_ms: p99 } = await figures([chatbench.path, "sync", "-json", "-dir", dir]);
  return { latency_ms: { p50, p99 } };
}

/** figures runs chatbench. Exit code 1 means that the figures contain faults. */
async function figures(command) {
  const lines = await output(command, [0, 1]);
  return JSON.parse(lines.find((line) => line.startsWith("{")));
}
