import { expect, test } from "vitest";
import { KnownNames } from "@/room/known";
import { firstState } from "@/room/state";
import { nextTimeline, type Timeline } from "@/timeline/timeline";
import type { PlacedMessage } from "@/wire/contract";
import { placed } from "../make";

const timelineOf = (entries: PlacedMessage[], before: Timeline = firstState.timeline) =>
  nextTimeline(before, { type: "received", entries });
const said = (n: number, username: string) => placed(n, { username });
const shown = (timeline: Timeline, people: string[] = []) => ({
  timeline,
  past: null,
  present: { people: people.map((name) => ({ id: name, name })), total: people.length, state: "known" as const },
});
const knows = (names: { at(text: string, place: number): string | undefined }, ...all: string[]) =>
  all.filter((name) => names.at(name, 0) === name);

test("authors at both ends, those who are here and oneself are known; nobody is called anonymous", () => {
  const known = new KnownNames();
  const first = timelineOf([said(10, "bob"), said(11, "anonymous")]);
  known.update(shown(first), "ada");
  const second = timelineOf([said(5, "old"), said(20, "new")], first);
  const names = known.update(shown(second, ["here"]), "ada");
  expect(knows(names, "ada", "bob", "old", "new", "here", "anonymous", "eve")).toEqual([
    "ada",
    "bob",
    "old",
    "new",
    "here",
  ]);
});

test("without a new name the set is the same object", () => {
  const known = new KnownNames();
  const first = timelineOf([said(10, "bob")]);
  const state = shown(first, ["here"]);
  const names = known.update(state, "ada");
  expect(known.update({ ...state, timeline: timelineOf([said(11, "bob")], first) }, "ada")).toBe(names);
  expect(known.update(state, "eve")).not.toBe(names);
});

test("P6 at most a thousand authors are known, the last ones", () => {
  const known = new KnownNames();
  const names = known.update(
    shown(timelineOf(Array.from({ length: 1500 }, (_, n) => said(n, `author ${n} of many`)))),
    null,
  );
  expect(knows(names, "author 499 of many", "author 500 of many", "author 1499 of many")).toEqual([
    "author 500 of many",
    "author 1499 of many",
  ]);
});
