// `npm run bench`: chatd beside other servers, under the same loads, in one run. docs/BENCHMARKS.md explains the figures.
// --quick is short; --rounds 3 takes medians; --loads and --only pick; --json prints a JSON object a line.
import { parseArgs } from "node:util";
import { faults, judge } from "../bench/budgets.mjs";
import { loads } from "../bench/loads.mjs";
import { machine } from "../bench/machine.mjs";
import { disk, floor, judged, measure } from "../bench/measure.mjs";
import { budgetTable, loadTable } from "../bench/report.mjs";
import { chatbench, servers } from "../bench/servers.mjs";
import { main, Problem } from "./problem.mjs";
import { setup } from "./setup.mjs";

const titles = {
  ...Object.fromEntries(Object.entries(servers).map(([name, { title }]) => [name, title])),
  [floor]: "bare write(2)",
  [disk]: "bare sync",
};

await main(async () => {
  const options = readArguments();
  if (process.platform !== "linux")
    throw new Problem("The benchmark reads the processor time of other processes from Linux.");
  await setup({ programs: ["redis-server"] });
  await build(options.only);
  say(options.json, machine());
  const results = await measure(options, (result) => progress(options.json, result));
  for (const line of options.json ? verdicts(results) : tables(results)) console.log(line);
  return reportFaults(results) ? 1 : 0;
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
  const steps = new Set(only.filter((name) => name !== floor && name !== disk).map((name) => servers[name].build));
  for (const step of [chatbench.build, ...steps]) await step();
}

function say(json, about) {
  if (json) return console.log(JSON.stringify({ machine: about }));
  const { cpu, count, kernel, node, go, redis, pinning, load } = about;
  console.log(`\n${count} × ${cpu}, Linux ${kernel}, Node ${node}, ${go}, Redis ${redis}`);
  if (pinning.server === undefined) console.log("Nothing is pinned to a core: ratios are less certain.");
  else console.log(`Server on core ${pinning.server}, load generator on core ${pinning.generator}.`);
  if (load > 0.7) console.log(`The machine is busy (load ${load.toFixed(1)}): expect noise.`);
}

function progress(json, result) {
  if (json) return console.log(JSON.stringify(result));
  console.error(`round ${result.round}, ${result.load}: ${titles[result.server]} done`);
}

/** reportFaults prints every run with faults; it returns whether there was one. */
function reportFaults(results) {
  const faulty = results.filter((r) => faults(r).length > 0);
  for (const r of faulty) {
    console.error(`\nFAULT in round ${r.round}, ${r.load}, ${titles[r.server]}: ${faults(r).join(", ")}`);
    for (const reason of r.reasons ?? []) console.error(`  ${reason}`);
  }
  if (faulty.length === 0) console.error(`\n${results.length} runs: nothing lost, doubled, out of order or closed.`);
  return faulty.length > 0;
}

function verdicts(results) {
  return judged
    .filter((server) => results.some((r) => r.server === server))
    .flatMap((server) => judge(results, server).map((verdict) => ({ server, ...verdict })))
    .filter(({ value }) => value !== undefined)
    .map((verdict) => JSON.stringify(verdict));
}

function tables(results) {
  const perLoad = Object.entries(loads).map(([key, load]) => loadTable(load, key, results, titles));
  return [...perLoad, budgetTable(results, judged, titles)].filter(Boolean);
}
