import { describe, expect, test } from "vitest";
import {
  emptyTimeline,
  firstAfter,
  maxEntries,
  nextTimeline,
  type Timeline,
  type TimelineAction,
} from "@/timeline/timeline";
import { compareOffsets } from "@/wire/offset";
import { placed, placedRange } from "../make";
import { below, seeded } from "../random";

function run(...actions: TimelineAction[]): Timeline {
  return actions.reduce(nextTimeline, emptyTimeline);
}

const numbers = (state: Timeline) => state.entries.map((entry) => Number(entry.message.slice("text ".length)));
const received = (...ns: number[]): TimelineAction => ({ type: "received", entries: ns.map((n) => placed(n)) });
const joined = (n: number, recovered: boolean): TimelineAction => ({ type: "joined", at: placed(n).offset, recovered });

describe("order", () => {
  test("compares numbers, not text", () => {
    expect(compareOffsets("9-0", "10-0")).toBeLessThan(0);
    expect(compareOffsets("10-10", "10-9")).toBeGreaterThan(0);
    expect(compareOffsets("18446744073709551615-1", "18446744073709551614-9")).toBeGreaterThan(0);
    expect(compareOffsets("007-0", "7-00")).toBe(0);
  });

  test("P1 messages in any order and twice are kept once, in the order of the stream", () => {
    expect(numbers(run(received(4, 5), received(1), received(5, 3, 1, 6, 3)))).toEqual([1, 3, 4, 5, 6]);
  });

  test("a retry that was stored twice is one message; messages of strangers with one id are not", () => {
    const first = placed(1, { id: "1", message: "hi" });
    const again = placed(2, { id: "1", message: "hi" });
    const stranger = placed(3, { id: "1", message: "hi", username: "bob" });
    const state = run({ type: "received", entries: [first] }, { type: "received", entries: [again, stranger] });
    expect(state.entries).toEqual([first, stranger]);
  });

  test("OUT-1 a program that repeats a message with one id every hour is heard every hour", () => {
    const hour = 3 * 60 * 60_000; // three messages share a millisecond
    const entries = [1, hour + 1, 2 * hour + 1].map((n) => placed(n, { id: "cron", message: "tick" }));
    expect(run({ type: "received", entries }).entries).toEqual(entries);
  });

  test("nothing new is no change", () => {
    const state = run(received(1, 2));
    expect(nextTimeline(state, received(2, 1))).toBe(state);
  });

  test("P6 the oldest are dropped above the limit, and can be requested again", () => {
    const full = run(
      { type: "received", entries: placedRange(0, maxEntries) },
      { type: "older", entries: [], more: false },
    );
    const state = nextTimeline(full, received(maxEntries, maxEntries + 1));
    expect(state.entries).toHaveLength(maxEntries);
    expect(numbers(state)[0]).toBe(2);
    expect(state.more).toBe(true);
  });
});

describe("gaps", () => {
  test("a first connection has none", () => {
    expect(run(joined(5, false), received(6)).gaps).toEqual([]);
  });

  test("P3 a recovered connection has none", () => {
    expect(run(joined(0, false), received(1), joined(1, true), received(2, 3)).gaps).toEqual([]);
  });

  test("a connection that was not recovered but missed nothing has none", () => {
    expect(run(joined(0, false), received(1, 2), joined(2, false)).gaps).toEqual([]);
  });

  test("history that overlaps known messages leaves none", () => {
    const state = run(joined(0, false), received(1, 2), joined(1, false), received(2, 3, 4));
    expect(state.gaps).toEqual([]);
    expect(numbers(state)).toEqual([1, 2, 3, 4]);
  });

  test("otherwise there is one, even before a new message comes", () => {
    const state = run(joined(0, false), received(1, 2), joined(8, false));
    expect(state.gaps).toEqual([{ after: placed(2).offset, state: "open" }]);
  });

  test("joining twice without a message in between leaves one", () => {
    expect(run(joined(0, false), received(1, 2), joined(8, false), joined(9, false)).gaps).toHaveLength(1);
  });

  test("P3 the missed messages of an empty room count as older", () => {
    const empty = run(joined(0, false), { type: "older", entries: [], more: false });
    expect(empty.more).toBe(false);
    const back = nextTimeline(nextTimeline(empty, joined(8, false)), received(9));
    expect(back).toMatchObject({ more: true, gaps: [] });
  });

  test("a lost gap does not hide a new one", () => {
    const after = placed(2).offset;
    const away = run(joined(0, false), received(1, 2), joined(8, false));
    const lost = nextTimeline(away, { type: "filled", after, entries: [], more: false });
    expect(lost.gaps).toEqual([{ after, state: "lost" }]);
    expect(nextTimeline(lost, joined(12, false)).gaps).toEqual([{ after, state: "open" }]);
  });

  test("is filled page by page, newest first, until it meets known messages", () => {
    const after = placed(2).offset;
    const away = run(joined(0, false), received(1, 2), joined(8, false), received(9));
    expect(firstAfter(away, after)).toEqual(placed(9));
    const half = nextTimeline(away, { type: "filled", after, entries: placedRange(6, 9), more: true });
    expect(half.gaps).toHaveLength(1);
    expect(firstAfter(half, after)).toEqual(placed(6));
    const whole = nextTimeline(half, { type: "filled", after, entries: placedRange(1, 6), more: true });
    expect(whole.gaps).toEqual([]);
    expect(numbers(whole)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("is lost when the server does not keep the rest", () => {
    const after = placed(2).offset;
    const away = run(joined(0, false), received(1, 2), joined(8, false), received(9));
    const state = nextTimeline(away, { type: "filled", after, entries: placedRange(6, 9), more: false });
    expect(state.gaps).toEqual([{ after, state: "lost" }]);
  });
});

/**
 * A server that keeps the newest messages of a stream, and a client whose connection breaks at random. Always: order,
 * no duplicate, and nothing is missing without a gap.
 */
function simulate(seed: number): void {
  const random = seeded(seed);
  const kept = 5 + below(random, 60);
  let [length, position, oldest] = [below(random, 30), 0, 0];
  let state = emptyTimeline;
  const join = (recovered: boolean) => {
    if (!recovered) position = Math.max(oldest, length - below(random, 20));
    state = nextTimeline(state, { type: "joined", at: placed(position - 1 + 3).offset, recovered });
  };
  const entries = (from: number, to: number) => placedRange(from + 3, to + 3);
  const page = (before: number | undefined) => {
    const to = before ?? length;
    const from = Math.max(oldest, to - 1 - below(random, 10));
    return { entries: entries(from, to), more: from > oldest };
  };
  const index = (entry: { message: string } | undefined) => (entry ? Number(entry.message.slice(5)) - 3 : undefined);

  join(false);
  for (let step = 0; step < 200; step++) {
    const dice = random();
    if (dice < 0.35) {
      length += 1 + below(random, 8);
      oldest = Math.max(oldest, length - kept);
    } else if (dice < 0.7) {
      const next = Math.min(length, position + 1 + below(random, 9));
      if (position < oldest)
        join(false); // Too slow: closed, and its next messages are gone.
      else {
        state = nextTimeline(state, { type: "received", entries: entries(position, next) });
        position = next;
      }
    } else if (dice < 0.8) {
      join(position - 1 >= oldest && random() < 0.5);
    } else if (dice < 0.9) {
      const gap = state.gaps[below(random, state.gaps.length)];
      if (!gap) continue;
      const { entries, more } = page(index(firstAfter(state, gap.after)));
      state = nextTimeline(state, { type: "filled", after: gap.after, entries, more });
    } else {
      state = nextTimeline(state, { type: "older", ...page(index(state.entries[0])) });
    }
    check(state, seed);
    const first = index(state.entries[0]);
    if (!state.more && first !== undefined && first > oldest) {
      throw new Error(`seed ${seed}: ${first} is said to be the first, and ${oldest} is there`);
    }
  }
}

function check(state: Timeline, seed: number): void {
  const gaps = new Set(state.gaps.map((gap) => gap.after));
  expect(gaps.size).toBe(state.gaps.length);
  state.entries.forEach((entry, i) => {
    const previous = state.entries[i - 1];
    if (!previous) return;
    const step = Number(entry.message.slice(5)) - Number(previous.message.slice(5));
    if (step < 1 || (step > 1 && !gaps.has(previous.offset))) {
      throw new Error(`seed ${seed}: from ${previous.message} to ${entry.message} without a gap`);
    }
  });
}

test("P1 P3 through any failures the timeline is in order, without duplicates, and shows its gaps", () => {
  for (let seed = 1; seed <= 100; seed++) simulate(seed);
});
