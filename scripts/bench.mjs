// `npm run bench`: chatd beside other servers, under the same loads, in one run. docs/BENCHMARKS.md explains the figures.
// --quick is short; --rounds 3 takes medians; --loads and --only pick; --json prints a JSON object a line.
import { parseArgs } from "node:util";
import { faults, judge } from "../bench/budgets.mjs";
import { loads } from "../bench/loads.mjs";
import { cores, machine, pinned } from "../bench/machine.mjs";
import { freePort, output, withServer } from "../bench/processes.mjs";
import { budgetTable, loadTable } from "../bench/report.mjs";
import { chatbench, servers } from "../bench/servers.mjs";
import { main, Problem } from "./problem.mjs";
import { setup } from "./setup.mjs";

const floor = "write";
const titles = {
  ...Object.fromEntries(Object.entries(servers).map(([name, { title }]) => [name, title])),
  [floor]: "bare write(2)",
};
const judged = ["chatd", "chatd-redis"];

await main(async () => {
  const options = readArguments();
  if (process.platform !== "linux")
    throw new Problem("The benchmark reads the processor time of other processes from Linux.");
  await setup({ programs: ["redis-server"] });
  await build(options.only);
  const results = await measure(options);
  for (const line of options.json ? verdicts(results) : tables(results)) console.log(line);
  const faulty = results.filter((r) => faults(r).length > 0);
  for (const r of faulty)
    console.error(`FAULT: ${titles[r.server]}, ${r.load}: ${faults(r).join(", ")}. ${(r.reasons ?? []).join("; ")}`);
  return faulty.length > 0 ? 1 : 0;
});

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        rounds: { type: "string", default: "1" },
        seconds: { type: "string" },
        loads: { type: "string", default: Object.keys(loads).join() },
        only: { type: "string", default: Object.keys(titles).join() },
      },
    });
    return {
      json: values.json,
      rounds: positive("--rounds", values.rounds),
      seconds: positive("--seconds", values.seconds ?? (values.quick ? "2" : "6")),
      hold: values.quick ? 2 : 20,
      loads: pick("--loads", values.loads, loads),
      only: pick("--only", values.only, titles),
    };
  } catch (error) {
    throw new Problem(
      `${error.message}\nUsage: npm run bench -- [--quick] [--rounds N] [--seconds N] [--loads ...] [--only ...] [--json]`,
    );
  }
}

function positive(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} ${text}: a whole number from 1 on`);
  return value;
}

function pick(name, text, known) {
  const picked = text.split(",");
  const unknown = picked.filter((one) => !(one in known));
  if (unknown.length > 0) throw new Error(`${name} ${unknown.join()}: choose among ${Object.keys(known).join()}`);
  return Object.keys(known).filter((one) => picked.includes(one));
}

async function build(only) {
  console.error("Building ...");
  const steps = new Set(only.filter((name) => name !== floor).map((name) => servers[name].build));
  for (const step of [chatbench.build, ...steps]) await step();
}

/** measure runs every load on every server, one after the other, round after round, beside one Redis. */
async function measure({ json, rounds, seconds, hold, loads: picked, only }) {
  const pinning = cores();
  const about = machine(pinning);
  say(json, about);
  const port = await freePort();
  const redis = ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  return await withServer("Redis", pinned(pinning.redis, redis), port, {}, async () => {
    const results = [];
    for (let round = 1; round <= rounds; round++) {
      for (const load of picked) {
        for (const server of only) {
          const run = { round, load, server, seconds, hold, pinning, redis: port };
          const figures = server === floor ? await measureFloor(run, results) : await measureServer(run);
          if (!figures) continue;
          results.push({ round, load, server, ...figures });
          progress(json, results.at(-1));
        }
      }
    }
    return results;
  });
}

async function measureServer({ round, load, server, seconds, hold, pinning, redis }) {
  const { title, protocol, command, env } = servers[server];
  const port = await freePort();
  // Every run has an empty room of its own.
  const serve = pinned(pinning.server, command(port, redis, `bench-${round}-${load}`));
  const { args, idle } = loads[load];
  const time = idle ? ["-hold", `${hold}s`] : ["-d", `${seconds}s`, "-warmup", "1s"];
  return await withServer(title, serve, port, env, async (pid) => {
    const common = ["-json", "-urls", `http://127.0.0.1:${port}`, "-proto", protocol, "-pids", String(pid)];
    const lines = await output(
      pinned(pinning.generator, [chatbench.path, "load", ...common, ...args, ...time]),
      [0, 1],
    );
    return JSON.parse(lines.at(-1));
  });
}

/** measureFloor writes as many bytes as a frame of chatd has in the same round. */
async function measureFloor({ round, load, seconds, pinning }, results) {
  const { floorRate } = loads[load];
  if (floorRate === undefined) return undefined;
  const like = results.filter((r) => r.round === round && r.load === load && judged.includes(r.server)).at(-1);
  const size = Math.round(like?.bytes_per_delivery ?? 110);
  const where = pinning.server === undefined ? [] : ["-cores", `${pinning.server},${pinning.generator}`];
  const args = [
    "floor",
    "-json",
    "-n",
    "500",
    "-rate",
    String(floorRate),
    "-size",
    String(size),
    "-d",
    `${seconds}s`,
    ...where,
  ];
  const [line] = await output([chatbench.path, ...args], [0]);
  const { writes_per_s, cpu_us_per_write } = JSON.parse(line);
  return { deliveries_per_s: writes_per_s, cpu_us_per_delivery: cpu_us_per_write, bytes_per_delivery: size };
}

function say(json, about) {
  if (json) return console.log(JSON.stringify({ machine: about }));
  const { cpu, cores: count, kernel, node, go, redis, pinning, load } = about;
  console.log(`\n${count} × ${cpu}, Linux ${kernel}, Node ${node}, ${go}, Redis ${redis}`);
  if (pinning.server === undefined) console.log("Nothing is pinned to a core: ratios are less certain.");
  else console.log(`Server on core ${pinning.server}, load generator on core ${pinning.generator}.`);
  if (load > 0.7) console.log(`The machine is busy (load ${load.toFixed(1)}): expect noise.`);
}

function progress(json, result) {
  if (json) return console.log(JSON.stringify(result));
  console.error(`round ${result.round}, ${result.load}: ${titles[result.server]} done`);
}

function verdicts(results) {
  return judged
    .filter((server) => results.some((r) => r.server === server))
    .flatMap((server) => judge(results, server).map((verdict) => JSON.stringify({ server, ...verdict })));
}

function tables(results) {
  const perLoad = Object.entries(loads).map(([key, load]) => loadTable(load, key, results, titles));
  return [...perLoad, budgetTable(results, judged, titles)].filter(Boolean);
}
