// Reads the files of the deployment, for the tests of them.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";

export const run = promisify(execFile);
export const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(here);
export const env = { ...process.env, GOTOOLCHAIN: "local", PATH: `${process.env.PATH}:/usr/sbin` };

export const read = (name) => readFile(join(here, name), "utf8");
export const readYAML = async (name) => parse(await read(name), { merge: true });

/** settings are the names that the server knows, from .env.example. */
export async function settings() {
  const text = await readFile(join(root, ".env.example"), "utf8");
  return new Map([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** instructions are a Dockerfile's, with continued lines joined: [["FROM", "golang:1.26 AS build"], ...]. */
export function instructions(dockerfile) {
  return dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()]);
}

/** copied are the paths that a Dockerfile takes from the repository. */
export function copied(dockerfile) {
  return instructions(dockerfile)
    .filter(([name, rest]) => name === "COPY" && !rest.startsWith("--from"))
    .flatMap(([, rest]) => rest.split(/\s+/).slice(0, -1));
}

/** seconds reads a duration as Go and compose write it. */
export const seconds = (duration) => {
  const [, number, unit] = /^(\d+)(ms|s|m)$/.exec(duration);
  return Number(number) * { ms: 0.001, s: 1, m: 60 }[unit];
};
