// `npm run licences`: writes docs/LICENCES.md, the licence of everything that is shipped: the Go modules in chatd, and the npm
// packages of the web app without those that only developers need. A test compares the page with what is installed.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { main } from "./problem.mjs";
import { environment, root } from "./processes.mjs";

/** allowed are the licences that a dependency may have, and what they ask for is kept: notices stay in the packages. */
export const allowed = [
  ...["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"],
  "MPL-2.0", // its files are not changed
  "OFL-1.1", // fonts
  "CC-BY-4.0", // data of browsers, at build time
  "LGPL-3.0-or-later", // libvips, a library of the build of the web app that is not part of its pages
];

const page = join(root, "docs/LICENCES.md");

// The sentences by which the texts of licences are recognised; the first that fits counts.
const texts = [
  ["Apache-2.0", /Apache License\s+Version 2\.0/],
  ["MPL-2.0", /Mozilla Public License,? version 2\.0/i],
  [
    "BSD-3-Clause",
    /Redistribution and use in source and binary[\s\S]*Neither the name|names? of [\s\S]{0,80}contributors may/,
  ],
  ["BSD-2-Clause", /Redistribution and use in source and binary/],
  ["MIT-0", /MIT No Attribution/],
  ["MIT", /Permission is hereby granted, free of charge/],
];

function goModules() {
  const format = "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}";
  const options = { cwd: join(root, "server"), env: environment({ GOWORK: "off" }), encoding: "utf8" };
  const lines = execFileSync("go", ["list", "-deps", "-f", format, "./cmd/chatd"], options).trim().split("\n");
  return [...new Set(lines)].filter(Boolean).map((line) => {
    const [name, version, dir] = line.split("\t");
    return { name, version, licence: licenceIn(dir) };
  });
}

/** licenceIn recognises the licence in the folder of a package by its text. */
function licenceIn(dir) {
  const file = readdirSync(dir).find((file) => /^(licen[cs]e|copying)/i.test(file));
  const text = file ? readFileSync(join(dir, file), "utf8") : "";
  return texts.find(([, pattern]) => pattern.test(text))?.[0] ?? "unknown";
}

// The lock file lists the packages of every platform, so the page is the same everywhere.
function nodePackages() {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages)
    .filter(([path, { dev, devOptional, link }]) => path.includes("node_modules/") && !dev && !devOptional && !link)
    .map(([path, { version, license }]) => ({
      name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version,
      licence: license ?? licenceIn(join(root, path)),
    }));
}

/** dependencies are all that is shipped, in the order of their names. */
export function dependencies() {
  const rows = new Map([...goModules(), ...nodePackages()].map((one) => [`${one.name} ${one.version}`, one]));
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** isAllowed judges a licence, also a choice of several (A OR B) and several together (A AND B). */
export function isAllowed(licence) {
  const bare = licence.replaceAll(/[()]/g, "");
  return bare.split(" OR ").some((choice) => choice.split(" AND ").every((one) => allowed.includes(one)));
}

/** table is the page. */
export function table() {
  const rows = dependencies().map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  return [
    "# Licences of what is shipped",
    "",
    "`npm run licences` writes this page, and a test compares it with what is installed. It lists the Go modules in `chatd`,",
    "and the npm packages of the web app, those that only its build needs included.",
    "",
    "| package | version | licence |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => writeFileSync(page, table()));
