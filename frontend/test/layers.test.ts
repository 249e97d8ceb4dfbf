import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** The folders of src, from the top down: a file imports from its own folder and from folders below it only. */
const layers = [
  "app", // the pages of the site
  "ui", // React components
  "chat", // the one chat of this page: makes everything below
  "attention", // sound, notifications and the count in the title
  "rooms", // which rooms this tab is in, which is shown, and which the server lists
  "room", // the store of one room, and the rows that show it
  "connection", // the link to the server, and when to connect
  "outbox", // own messages that are not in the timeline yet
  "timeline", // the messages in their order, and the gaps between them
  "people", // who we are, who is here, who is typing, and the colours of names
  "text", // the format of messages; addresses, mentions, emoji and clusters in texts
  "wire", // what client and server say to each other
  "browser", // clock and storage; how the page looks; the name of the site
];

const src = fileURLToPath(new URL("../src", import.meta.url));

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => path.replaceAll("\\", "/"));

/** The files of src that a file imports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*"((?:@|\.\.?)\/[^"]+)"/g)].flatMap(([, given = ""]) => {
    const path = given.startsWith("@/") ? given.slice(2) : relative(src, join(src, dirname(file), given));
    return [".ts", ".tsx"].map((end) => `${path}${end}`).filter((other) => files.includes(other));
  });
}

const layerOf = (file: string) => layers.indexOf(file.split("/")[0] ?? "");

const graph = new Map(files.map((file) => [file, importsOf(file)]));

/** The files of a circle that a file leads to; undefined if there is none. */
function circleFrom(file: string, path: readonly string[], done: Set<string>): readonly string[] | undefined {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (done.has(file)) return undefined;
  for (const next of graph.get(file) ?? []) {
    const circle = circleFrom(next, [...path, file], done);
    if (circle) return circle;
  }
  done.add(file);
  return undefined;
}

test("the folders of src are the layers", () => {
  expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
  expect([...new Set(files.map((file) => file.split("/")[0]))].sort()).toEqual([...layers].sort());
  // The parser finds imports.
  expect(graph.get("ui/Room.tsx")).toContain("ui/Composer.tsx");
  expect(graph.get("ui/ChatApp.tsx")).toEqual(expect.arrayContaining(["chat/chat.ts", "ui/Room.tsx"]));
});

test("imports go down the layers only", () => {
  const upwards = [...graph].flatMap(([file, imports]) =>
    imports.filter((other) => layerOf(other) < layerOf(file)).map((other) => `${file} imports ${other}`),
  );
  expect(upwards).toEqual([]);
});

test("no files import each other in a circle", () => {
  const done = new Set<string>();
  expect(files.map((file) => circleFrom(file, [], done)).filter((circle) => circle !== undefined)).toEqual([]);
});

test("no file is longer than 400 lines", () => {
  const long = files.filter((file) => readFileSync(join(src, file), "utf8").split("\n").length > 401);
  expect(long).toEqual([]);
});
