// Tests what the files at the top say about the project: one version everywhere, every decision in the index.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "./processes.mjs";
import { steps, usualMinutes } from "./steps.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");

test("the version is the same in package.json, chatd and the changelog", () => {
  const { version } = JSON.parse(read("package.json"));
  assert.equal(/^const Version = "(.+)"$/m.exec(read("server/cmd/chatd/main.go"))?.[1], version);
  const released = [...read("CHANGELOG.md").matchAll(/^## \[(\d[^\]]*)\] – \d{4}-\d{2}-\d{2}$/gm)];
  assert.equal(released[0]?.[1], version);
});

test("every decision is in the index, with its title, a date and a status", () => {
  const index = read("docs/decisions/README.md");
  const rows = [
    ...index.matchAll(/^\| \[(.+)\]\((.+\.md)\) \| \d{4}-\d{2}-\d{2} \| (accepted|replaced by \[.+\]\(.+\.md\)) \|$/gm),
  ];
  const titles = new Map(rows.map(([, title, file]) => [file, title]));
  const pages = readdirSync(join(root, "docs/decisions")).filter((file) => file !== "README.md");
  assert.deepEqual([...titles.keys()].sort(), pages.sort());
  for (const page of pages) {
    assert.equal(titles.get(page), /^# (.+)$/m.exec(read(`docs/decisions/${page}`))?.[1], page);
  }
});

test("every link from one file to another leads to one", () => {
  const tracked = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");
  for (const page of tracked) {
    for (const [, link] of read(page).matchAll(/\]\((?!\w+:)([^)#]+)/g)) {
      assert.ok(existsSync(join(root, dirname(page), link)), `${page} links to ${link}`);
    }
  }
});

test("the pipelines run the README's test command, and nothing else", () => {
  assert.match(read("README.md"), /```sh\nnpm test\n```/);
  assert.match(read(".ci/run"), /^exec npm test$/m);
  const runs = [...read(".github/workflows/ci.yml").matchAll(/^\s+(?:- )?run: (.+)$/gm)].map(([, command]) => command);
  assert.deepEqual(runs, ["npm test"]);
});

test("every limit is at least three times what its step takes on two slow cores", () => {
  const slow = { go: 17, clients: 5, e2e: 25, "web-build": 2, deploy: 2, tooling: 4 };
  for (const [name, minutes] of Object.entries(slow)) {
    const step = steps.find((step) => step.name === name);
    assert.ok((step.minutes ?? usualMinutes) >= 3 * minutes, name);
  }
  const [, ofGo] = /-timeout (\d+)m/.exec(read("server/package.json"));
  assert.ok(ofGo >= 45 && ofGo < steps.find((step) => step.name === "go").minutes, "go names the test that hangs");
  const [, ofAll] = /timeout-minutes: (\d+)/.exec(read(".github/workflows/ci.yml"));
  assert.ok(ofAll >= 3 * Object.values(slow).reduce((sum, minutes) => sum + minutes), "the pipeline");
});

test("every step of npm test has a name of its own and says what it proves", () => {
  assert.equal(new Set(steps.map((step) => step.name)).size, steps.length);
  for (const step of steps) assert.ok(step.proves.length > 10, step.name);
});
