import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Problem } from "./problem.mjs";
import { environment, run } from "./processes.mjs";

// Programs that the system provides, and the packages that contain them. "python-socketio" stands for a python3 that has
// the modules of the examples. The package of promtool would also start a server, so only that file of it is taken.
const packages = {
  gcc: { apt: ["gcc", "libc6-dev"], brew: ["gcc"] },
  "redis-server": { apt: ["redis-server"], brew: ["redis"] },
  nginx: { apt: ["nginx"], brew: ["nginx"] },
  curl: { apt: ["curl", "ca-certificates"], brew: ["curl"] },
  "systemd-analyze": { apt: ["systemd"] },
  ps: { apt: ["procps"] },
  chromium: { apt: ["chromium"], brew: ["chromium"] },
  promtool: { apt: ["prometheus"], file: "usr/bin/promtool", brew: ["prometheus"] },
  "python-socketio": {
    apt: ["python3-socketio", "python3-aiohttp"],
    pip: ["python-socketio==5.7.2", "python-engineio==4.3.4", "aiohttp==3.10.11"],
  },
};

/**
 * requirePrograms makes sure that the named programs exist. On Debian as root it installs what is missing; anywhere else
 * it fails with the command that does.
 */
export async function requirePrograms(names) {
  const missing = names.filter((name) => !find(name));
  if (missing.length === 0) return;
  const debian = existsSync("/etc/debian_version");
  if (!debian || process.getuid?.() !== 0) throw new Problem(howToInstall(missing, debian));
  await aptInstall(missing.filter((name) => !packages[name].file).flatMap((name) => packages[name].apt));
  for (const { apt, file } of missing.map((name) => packages[name])) if (file) await aptExtract(apt[0], file);
  const still = missing.filter((name) => !find(name));
  if (still.length > 0) throw new Problem(`Still missing after the installation: ${still.join(", ")}.`);
}

const find = (name) => (name === "python-socketio" ? findPython() : findProgram(name));

/** findProgram returns the path of a program, or undefined. Debian has some servers in folders outside a user's PATH. */
export function findProgram(name) {
  return paths(name).find(isExecutable);
}

/** findPython returns the path of the first python3 that can run the examples, or undefined. */
export function findPython() {
  const works = (path) => spawnSync(path, ["-c", "import aiohttp, socketio"], { stdio: "ignore" }).status === 0;
  return paths("python3").find((path) => isExecutable(path) && works(path));
}

function paths(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function howToInstall(missing, debian) {
  const wanted = (from) => missing.flatMap((name) => packages[name][from] ?? []).join(" ");
  const lines = debian
    ? [["sudo apt-get install -y", wanted("apt")]]
    : [
        ["brew install", wanted("brew")],
        // A virtual environment: many systems let pip install nothing outside of one (PEP 668).
        ["python3 -m venv ~/.venv/chat && . ~/.venv/chat/bin/activate && python3 -m pip install", wanted("pip")],
      ];
  const commands = lines.filter(([, names]) => names).map(([command, names]) => `  ${command} ${names}`);
  return `Missing: ${missing.join(", ")}. This gets it:\n\n${commands.join("\n")}`;
}

async function aptInstall(names) {
  if (names.length > 0) console.log(`Installing ${names.join(", ")} ...`);
  const env = environment({ DEBIAN_FRONTEND: "noninteractive" });
  await run("apt-get", ["update", "-qq"], { env });
  if (names.length > 0) await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], { env });
}

/** aptExtract puts one program of a package into /usr/local/bin, without the rest and without what the package runs. */
async function aptExtract(name, file) {
  console.log(`Taking ${file} out of ${name} ...`);
  const dir = mkdtempSync(join(tmpdir(), "package-"));
  try {
    await run("sh", ["-c", `apt-get download -qq ${name} && dpkg-deb --fsys-tarfile ${name}_*.deb | tar x ./${file}`], {
      cwd: dir,
    });
    await run("install", ["-m", "755", file, "/usr/local/bin/"], { cwd: dir });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
