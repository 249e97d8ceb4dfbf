// `npm run dev`: sets up what is missing, then runs the server and the web app until one of them ends or somebody stops it.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readPorts, requireFree } from "./ports.mjs";
import { main } from "./problem.mjs";
import { ending, environment, Group, root } from "./processes.mjs";
import { setup } from "./setup.mjs";

const graceMs = 8000;

await main(async () => {
  const settings = readSettings();
  await requireFree({ server: settings.serverPort, "web app": settings.webPort });
  await setup();
  return await runBoth(settings);
});

/** readSettings reads the environment and, with lower precedence, the file .env, which the server reads too. */
function readSettings() {
  const file = join(root, ".env");
  if (existsSync(file)) process.loadEnvFile(file);
  const [serverPort, webPort] = readPorts({ PORT: 8000, WEB_PORT: 3000 });
  return {
    serverPort,
    webPort,
    serverUrl: process.env.NEXT_PUBLIC_SERVER_URL || `http://localhost:${serverPort}`,
    webUrl: `http://localhost:${webPort}`,
    record: record(process.env),
  };
}

/** record says where the server keeps the record: it runs in its own directory, and who cloned the repository looks at the top. */
function record({ REDIS_URL, REDIS_HOST, DATA_DIR = "data" }) {
  if (REDIS_URL || REDIS_HOST || DATA_DIR.toLowerCase() === "off") return {};
  return { DATA_DIR: resolve(root, DATA_DIR || "data") };
}

async function runBoth(settings) {
  // The terminal may be closed and take no more lines; the processes must be stopped all the same.
  process.stdout.on("error", () => {});
  const groups = start(settings);
  const stopped = new AbortController();
  const told = untilToldToStop().then((why) => ({ why, code: 0 }));
  const ends = Object.entries(groups).map(async ([name, group]) => {
    const { code, signal } = await group.exited;
    return { why: `The ${name} ${ending(code, signal)}`, code: code || 1 };
  });
  announce(settings, stopped.signal);

  const { why, code } = await Promise.race([told, ...ends]);
  stopped.abort();
  console.log(`${why}: stopping both.`);
  const since = Date.now();
  process.on("SIGINT", () => {
    // A second Ctrl-C means hurry. The first one comes twice, because both the terminal and npm pass it on.
    if (Date.now() - since < 500) return;
    for (const group of Object.values(groups)) group.signal("SIGKILL");
  });
  await Promise.all(Object.values(groups).map((group) => group.stop(graceMs)));
  return code;
}

function start({ serverPort, webPort, serverUrl, record }) {
  const script = (workspace, ...rest) => ["run", "dev", "--silent", `--workspace=${workspace}`, ...rest];
  const prefixed = (name) => (line) => console.log(`${name.padEnd(7)}| ${line}`);
  const env = environment({ NEXT_PUBLIC_SERVER_URL: serverUrl });
  return {
    server: new Group("npm", script("server"), {
      env: { ...env, PORT: String(serverPort), DRAIN_DELAY: process.env.DRAIN_DELAY || "0s", ...record },
      onLine: prefixed("server"),
    }),
    "web app": new Group("npm", script("frontend", "--", "--port", String(webPort)), {
      env,
      onLine: prefixed("web"),
    }),
  };
}

/** untilToldToStop resolves on a signal, or when the npm that started this script is gone and can pass none on. */
function untilToldToStop() {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => resolve(name));
    if (!process.env.npm_lifecycle_event) return;
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && resolve("npm is gone"), 500).unref();
  });
}

/** announce prints the addresses once both answer; it gives up silently when stopped. */
async function announce({ serverPort, webUrl }, stopped) {
  const serverUrl = `http://localhost:${serverPort}`;
  const both = [answers(`${serverUrl}/readyz`, stopped), answers(`${webUrl}/`, stopped)];
  if (!(await Promise.all(both)).every(Boolean)) return;
  console.log(`\n  web app  ${webUrl}\n  server   ${serverUrl}\n\n  Ctrl-C stops both.\n`);
}

async function answers(url, stopped) {
  while (!stopped.aborted) {
    try {
      const response = await fetch(url, { signal: stopped });
      await response.arrayBuffer();
      if (response.ok) return true;
    } catch {
      // Not listening yet.
    }
    await delay(200);
  }
  return false;
}
