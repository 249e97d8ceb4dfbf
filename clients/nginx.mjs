import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server.mjs";
import { until } from "./until.mjs";

const deployed = new URL("../deploy/nginx.conf", import.meta.url);

/** configured is the balancer's deployed configuration with other addresses and other places for its files. */
async function configured(dir, port, servers) {
  const text = await readFile(deployed, "utf8");
  return text
    .replaceAll(/server(\d):8000/g, (_, number) => `127.0.0.1:${servers[number - 1].port}`)
    .replace("listen 8000;", `listen 127.0.0.1:${port};`)
    .replaceAll("/tmp/nginx", join(dir, "nginx"));
}

/** startNginx starts a round-robin balancer in front of three servers that ends with the test, and returns its URL. */
export async function startNginx(t, servers) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const dir = await mkdtemp(join(tmpdir(), "balancer-"));
  const file = join(dir, "nginx.conf");
  await writeFile(file, await configured(dir, port, servers));
  const child = spawn("nginx", ["-c", file, "-p", dir, "-g", "daemon off;"], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors = (errors + chunk).slice(-20_000);
  });
  const ended = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true });
  });
  await until("nginx answers", async () => {
    assert.equal(child.exitCode, null, `nginx ended; it must be on PATH:\n${errors}`);
    return await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  });
  return url;
}
