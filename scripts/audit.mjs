// `npm run audit`: asks the public lists whether chatd or the web app use code with known vulnerabilities. A list that cannot be
// reached, or does not answer in time, proves nothing: the script says so and goes on.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { main } from "./problem.mjs";
import { environment, root } from "./processes.mjs";

const patience = 120_000; // milliseconds for each list

const audits = [
  {
    title: "govulncheck",
    command: [join(root, "bin/tools/govulncheck"), "./..."],
    cwd: join(root, "server"),
    found: (code) => code === 3,
  },
  {
    title: "npm audit --omit=dev",
    command: ["npm", "audit", "--omit=dev", "--json"],
    cwd: root,
    found: (_, output) => (report(output).metadata?.vulnerabilities?.total ?? 0) > 0,
    complete: (output) => report(output).metadata?.vulnerabilities !== undefined,
  },
];

/** The report in the output of npm; an empty one if there is none, as from a network that answers for everybody. */
function report(output) {
  try {
    return JSON.parse(output.slice(output.indexOf("{")));
  } catch {
    return {};
  }
}

/** verdict says what an audit proves: "found", "clean", or "no answer". */
export function verdict({ found, complete = () => true }, { status, stdout }) {
  if (status === null) return "no answer";
  if (found(status, stdout)) return "found";
  return status === 0 && complete(stdout) ? "clean" : "no answer";
}

export { audits };

function run(audit) {
  const [command, ...args] = audit.command;
  const options = { cwd: audit.cwd, env: environment(), encoding: "utf8", timeout: patience, maxBuffer: 64 << 20 };
  const result = spawnSync(command, args, options);
  const says = verdict(audit, { status: result.status, stdout: result.stdout ?? "" });
  console.log(
    `${audit.title}: ${{ found: "VULNERABLE", clean: "nothing is known", "no answer": "the list cannot be reached; nothing is proved" }[says]}`,
  );
  if (says !== "clean") console.log((says === "found" ? result.stdout : result.stderr || result.error?.message) ?? "");
  return says;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => (audits.map(run).includes("found") ? 1 : 0));
}
