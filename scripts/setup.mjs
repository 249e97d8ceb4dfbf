import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { main, Problem } from "./problem.mjs";
import { environment, root, run } from "./processes.mjs";
import { requirePrograms } from "./system.mjs";

/**
 * setup makes a fresh clone ready: the right Go, npm packages as locked, Go modules, and on request the Go tools and the
 * named system programs. It changes nothing that is there already, so a second call takes well under a second.
 */
export async function setup({ goTools = false, programs = [] } = {}) {
  requireGo();
  await requirePrograms(programs);
  await installNodePackages();
  await installGoModules();
  if (goTools) await installGoTools();
}

/** requireGo fails unless the installed Go is at least the one that go.mod asks for; Go never fetches another one. */
function requireGo() {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(root, "server/go.mod"), "utf8"))[1];
  const how = `Install Go ${wanted} or newer: https://go.dev/doc/install (macOS: brew install go).`;
  let version;
  try {
    // Run outside the repository: inside it, an old Go refuses to print its version.
    const options = {
      cwd: tmpdir(),
      env: environment(),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    };
    version = execFileSync("go", ["env", "GOVERSION"], options).trim().replace(/^go/, "");
  } catch {
    throw new Problem(`Go is missing. ${how}`);
  }
  if (!atLeast(version, wanted)) throw new Problem(`Go ${version} is too old. ${how}`);
}

/** atLeast compares dotted versions number by number; a missing number is 0, a suffix such as rc1 counts for nothing. */
export function atLeast(version, wanted) {
  const numbers = (text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [have, want] = [numbers(version), numbers(wanted)];
  for (let i = 0; i < Math.max(have.length, want.length); i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

async function installNodePackages() {
  // npm writes this hidden copy of the lock file last, so an interrupted installation does not count as one.
  const installed = modified(join(root, "node_modules/.package-lock.json"));
  if (installed >= modified(join(root, "package-lock.json"))) return;
  console.log("Installing npm packages ...");
  await run("npm", ["ci"]);
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

// Within the workspace this would leave a needless go.work.sum behind.
async function installGoModules() {
  await run("go", ["mod", "download"], { cwd: join(root, "server"), env: environment({ GOWORK: "off" }) });
}

// Their module is not part of the workspace, so that the server's go.mod has no dependencies that only developers need.
async function installGoTools() {
  const env = environment({ GOWORK: "off", GOBIN: join(root, "bin/tools") });
  await run("go", ["install", "tool"], { cwd: join(root, "tools"), env });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() =>
    setup({
      goTools: true,
      programs: ["gcc", "redis-server", "nginx", "curl", "chromium", "promtool", "python-socketio"],
    }),
  );
}
