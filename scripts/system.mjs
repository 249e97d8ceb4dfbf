import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Problem } from "./problem.mjs";
import { environment, run } from "./processes.mjs";

// Programs that the system provides, and the packages that contain them.
const packages = {
  gcc: { apt: ["gcc", "libc6-dev"], brew: ["gcc"] },
  "redis-server": { apt: ["redis-server"], brew: ["redis"] },
  nginx: { apt: ["nginx"], brew: ["nginx"] },
  ps: { apt: ["procps"], brew: [] },
  chromium: { apt: ["chromium"], brew: ["chromium"] },
};

/**
 * requirePrograms makes sure that the named programs exist. On Debian as root it installs what is missing; anywhere else
 * it fails with the command that does.
 */
export async function requirePrograms(names) {
  const missing = names.filter((name) => !findProgram(name));
  if (missing.length === 0) return;
  const debian = existsSync("/etc/debian_version");
  if (!debian || process.getuid?.() !== 0) throw new Problem(howToInstall(missing, debian));
  await aptInstall(missing.flatMap((name) => packages[name].apt));
  const still = missing.filter((name) => !findProgram(name));
  if (still.length > 0) throw new Problem(`Still missing after the installation: ${still.join(", ")}.`);
}

/** findProgram returns the path of a program, or undefined. Debian has some servers in folders outside a user's PATH. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
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
  const line = debian
    ? `sudo apt-get install -y ${missing.flatMap((name) => packages[name].apt).join(" ")}`
    : `brew install ${missing.flatMap((name) => packages[name].brew).join(" ")}`;
  return `Missing: ${missing.join(", ")}. This gets it:\n\n  ${line}`;
}

async function aptInstall(names) {
  console.log(`Installing ${names.join(", ")} ...`);
  const env = environment({ DEBIAN_FRONTEND: "noninteractive" });
  await run("apt-get", ["update", "-qq"], { env });
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], { env });
}
