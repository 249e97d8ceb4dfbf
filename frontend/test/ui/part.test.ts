import { expect, test } from "vitest";
import { type Me, nobody } from "@/people/identity";
import { type Block, blockRows, buildRows, RowBuilder } from "@/room/rows";
import { emptyTimeline, maxEntries, nextTimeline, type Timeline } from "@/timeline/timeline";
import { Finder, Heights, partAround } from "@/ui/part";
import { placed, placedRange } from "../make";
import { below, seeded } from "../random";

const me: Me = { ...nobody, username: "ada", remembered: "ada", tag: "a", names: ["ada"] };

function rowsOf(n: number): Block[] {
  const state = nextTimeline(emptyTimeline, { type: "received", entries: placedRange(0, n) });
  return [...new RowBuilder().update(state, [], me)];
}

test("rows laid out step by step equal those laid out at once", () => {
  const random = seeded(3);
  const names = ["ada", "bob"];
  const entry = (n: number) =>
    placed(n, { username: names[below(random, 2)] ?? "", at: 1_700_000_000_000 + n * 240_000, id: `a-${n}` });
  const builder = new RowBuilder();
  let [state, next, first]: [Timeline, number, number] = [emptyTimeline, 1000, 1000];
  for (let step = 0; step < 300; step++) {
    const dice = random();
    if (dice < 0.7) {
      const entries = Array.from({ length: 1 + below(random, 9) }, () => entry(next++));
      state = nextTimeline(state, { type: "received", entries });
    } else if (dice < 0.8) {
      state = nextTimeline(state, { type: "older", entries: [entry(--first)], more: true });
    } else if (dice < 0.9) {
      const entries = state.entries.slice(1 + below(random, 5));
      if (entries.length > 0) state = { ...state, entries };
    } else {
      state = nextTimeline(state, { type: "joined", at: placed(next + 3).offset, recovered: false });
    }
    const waits = Array.from({ length: below(random, 3) }, (_, i) => ({
      id: `a-out${i}`,
      username: "ada",
      text: "soon",
      at: 1_700_000_000_000 + next * 240_000,
      firstSentAt: null,
      author: null,
      delivery: { kind: "waiting" } as const,
    }));
    expect(builder.update(state, waits, me).flat()).toEqual(buildRows(state, waits, me));
  }
});

test("P6 a new message changes only the first and the last blocks, even in a full list", () => {
  const builder = new RowBuilder();
  let state = nextTimeline(emptyTimeline, { type: "received", entries: placedRange(0, maxEntries - 5) });
  let before = builder.update(state, [], me);
  for (let n = maxEntries - 5; n < maxEntries + 300; n++) {
    state = nextTimeline(state, { type: "received", entries: [placed(n)] });
    const after = builder.update(state, [], me);
    const fresh = after.filter((block) => !before.includes(block));
    // The first block loses a row, the last one gains one, and a new one may begin.
    expect(fresh.length).toBeLessThanOrEqual(3);
    before = after;
  }
  expect(before.flat()).toEqual(buildRows(state, [], me));
});

test("the part around the reader has the same size in any list, and with its padding it is the list", () => {
  const heights = new Heights((row) => (row.kind === "message" ? 50 : 20));
  const view = (blocks: readonly Block[], top: number) => partAround(blocks, heights, { top, height: 800 });
  for (const length of [0, 1, 200, 2000, 20_000]) {
    const blocks = rowsOf(length);
    const total = heights.sum(blocks.flat());
    for (const top of [0, 1, total / 2, total - 800, total, -50, Number.POSITIVE_INFINITY]) {
      const part = view(blocks, top);
      expect(part.rows.length).toBeLessThanOrEqual(4 * blockRows);
      expect(part.above + heights.sum(part.rows) + part.below).toBe(total);
      expect(blocks.flat().slice(part.rowsAbove, part.rowsAbove + part.rows.length)).toEqual(part.rows);
      const seen = Math.max(Math.min(top, total - 800), 0);
      expect(part.above).toBeLessThanOrEqual(seen);
      expect(total - part.below).toBeGreaterThanOrEqual(Math.min(seen + 800, total));
      // The view is not at an edge of the part, unless it is an edge of the list.
      if (part.above > 0) expect(seen - part.above).toBeGreaterThanOrEqual(blockRows * 20);
    }
  }
});

test("a row is found after it moved", () => {
  const finder = new Finder();
  const blocks = rowsOf(1000);
  const row = blocks[3]?.[7];
  expect(finder.find(blocks, row?.key ?? "")).toEqual({ block: 3, index: 7 });
  expect(finder.find(blocks.slice(2), row?.key ?? "")).toEqual({ block: 1, index: 7 });
  expect(
    finder.find(
      blocks.map((block) => [...block]),
      row?.key ?? "",
    ),
  ).toEqual({ block: 3, index: 7 });
  expect(finder.find(blocks.slice(5), row?.key ?? "")).toBeUndefined();
});
