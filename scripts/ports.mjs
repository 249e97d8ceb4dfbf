import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { Problem } from "./problem.mjs";

// A listener on one address does not always prevent another one on all addresses, so each kind is tried.
const addresses = ["127.0.0.1", "::1", "0.0.0.0", "::"];

/** requireFree fails with one message that names every port of { name: port } that is taken, and by whom if known. */
export async function requireFree(ports) {
  const taken = [];
  for (const [name, port] of Object.entries(ports)) {
    if (!(await isFree(port))) taken.push(`Port ${port}, which the ${name} needs, is taken${owner(port)}.`);
  }
  if (taken.length > 0) throw new Problem([...taken, "Stop that first, then try again."].join("\n"));
}

/** readPorts reads the variables of { NAME: default }, and fails with one message that says what each must be. */
export function readPorts(defaults, env = process.env) {
  const problems = [];
  const ports = Object.entries(defaults).map(([name, fallback]) => {
    const text = (env[name] ?? "").trim() || String(fallback);
    const port = /^:?(\d{1,5})$/.exec(text)?.[1];
    if (port > 0 && port <= 65535) return Number(port);
    problems.push(`${name} must be a number from 1 to 65535, such as ${fallback} (it is ${JSON.stringify(text)}).`);
    return fallback;
  });
  if (problems.length === 0 && new Set(ports).size < ports.length) {
    problems.push(`${Object.keys(defaults).join(" and ")} must differ (they are ${ports[0]}).`);
  }
  if (problems.length > 0) throw new Problem(problems.join("\n"));
  return ports;
}

async function isFree(port) {
  for (const host of addresses) {
    if (!(await canListen(port, host))) return false;
  }
  return true;
}

function canListen(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    // The machine may lack this kind of address (no IPv6, for example).
    server.once("error", (error) => resolve(error.code !== "EADDRINUSE" && error.code !== "EACCES"));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** owner asks the system's tools; it is empty if none of them knows. */
function owner(port) {
  const bySs = /users:\(\("([^"]+)",pid=(\d+)/.exec(output("ss", ["-ltnpH", `sport = :${port}`]));
  if (bySs) return ` by ${bySs[1]} (process ${bySs[2]})`;
  const byLsof = /^p(\d+)\nc(.+)$/m.exec(output("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]));
  return byLsof ? ` by ${byLsof[2]} (process ${byLsof[1]})` : "";
}

function output(command, args) {
  try {
    return execFileSync(command, args, {
      encoding: "utf8",
      timeout: 2000,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return "";
  }
}

/** freePort returns a port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}
