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

test("authors who fill a gap or come with the past are known, also when the reader has left it", () => {
  const known = new KnownNames();
  const entries = (...authors: [number, string][]) => authors.map(([n, name]) => said(n, name));
  const before = { ...firstState.timeline, entries: entries([1, "old"], [50, "new"], [51, "new"]) };
  known.update(shown(before), null);
  const filled = { ...before, entries: entries([1, "old"], [20, "missed"], [50, "new"], [51, "new"]) };
  expect(knows(known.update(shown(filled), null), "missed")).toEqual(["missed"]);
  const past = { entries: entries([0, "bygone"], [1, "old"], [2, "late"]), to: placed(2).offset, more: false };
  known.update({ ...shown(filled), past }, null);
  // Meanwhile the end of the room goes on.
  const later = { ...filled, entries: [...filled.entries, said(60, "next")] };
  known.update({ ...shown(later), past }, null);
  const names = known.update(shown(later), null);
  expect(knows(names, "bygone", "late", "next", "missed", "eve")).toEqual(["bygone", "late", "next", "missed"]);
  expect(known.authors.map(({ name }) => name)).toEqual(["old", "new", "missed", "bygone", "late", "next"]);
});

test("an author with two names is known by both, and namesakes are several", () => {
  const known = new KnownNames();
  const from = (n: number, username: string, id: string) => placed(n, { username, from: id });
  known.update(shown(timelineOf([from(1, "bob", "g-1"), from(2, "rob", "g-1"), from(3, "bob", "g-2")])), null);
  const { authors } = known;
  expect(authors.map(({ id, name }) => `${id} ${name}`)).toEqual(["g-1 bob", "g-1 rob", "g-2 bob"]);
  known.update(shown(timelineOf([from(4, "bob", "g-1")])), null);
  expect(known.authors).toBe(authors);
});
