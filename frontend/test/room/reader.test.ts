import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { maxEntries, maxPastEntries } from "@/timeline/timeline";
import type { PlacedMessage } from "@/wire/contract";
import { live, refusal } from "../fakelink";
import { placed, placedRange } from "../make";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Opened = ReturnType<typeof live>;

/** What the server has, and a room that is connected at its end. */
const total = 30_000;
const record = placedRange(0, total);

function say(link: Opened["link"], messages: readonly PlacedMessage[]): void {
  for (const message of messages) link.listener.message(message);
  vi.advanceTimersByTime(100);
}

/** Connected behind all messages but the last so many, which arrive. */
function opened(arriving = 100): Opened {
  const all = live();
  all.link.drop();
  all.link.accept(false, record[total - arriving - 1]?.offset);
  say(all.link, record.slice(total - arriving));
  return all;
}

/** Answers the last request as the server would. */
async function serve({ link }: Opened): Promise<void> {
  const asked = link.asked.at(-1);
  if (!asked) throw new Error("Nothing was asked.");
  const find = (offset = "") => record.findIndex((message) => message.offset === offset);
  const { before, after, around, limit, answer } = asked;
  const half = limit / 2;
  const [from, to] = after
    ? [find(after) + 1, find(after) + 1 + limit]
    : around
      ? [find(around) - half, find(around) + half]
      : [find(before) - limit, find(before)];
  answer({
    status: "ok",
    messages: record.slice(Math.max(from, 0), to),
    more: from > 0,
    ...(!before && { newer: to < total }),
  });
  await vi.advanceTimersByTimeAsync(0);
}

const shown = ({ store }: Opened) => (store.getState().past ?? store.getState().timeline).entries;

/** Numbers of the first and the last message that is held, which are all between them. */
function range(room: Opened): [number, number] {
  const entries = shown(room);
  const numbers = entries.map(({ id }) => Number(id.slice(2)));
  expect(numbers).toEqual(Array.from(numbers, (_, i) => (numbers[0] ?? 0) + i));
  return [numbers[0] ?? -1, numbers.at(-1) ?? -1];
}

async function jump(room: Opened, n: number): Promise<void> {
  room.store.reader.seek(placed(n).offset);
  await serve(room);
}

describe("P13 the whole past", () => {
  test("P6 a full page goes on as a bounded stretch, to the first message and back to the end", async () => {
    const room = opened(maxEntries);
    const { store, link } = room;
    for (let pages = 0; (store.getState().past ?? store.getState().timeline).more; pages++) {
      void store.reader.loadOlder();
      await serve(room);
      expect(shown(room).length + (store.getState().past ? store.getState().timeline.entries.length : 0)).toBeLessThan(
        maxEntries + 1,
      );
      expect(pages).toBeLessThan(200);
    }
    expect(range(room)).toEqual([0, maxPastEntries - 1]);
    say(link, [placed(total)]); // meanwhile
    expect(range(room)).toEqual([0, maxPastEntries - 1]);
    for (let pages = 0; store.getState().past !== null; pages++) {
      void store.reader.loadNewer();
      await serve(room);
      expect(pages).toBeLessThan(250);
    }
    const [first, last] = range(room);
    expect(last).toBe(total);
    expect(last - first).toBeLessThan(maxEntries);
    expect(store.getState().timeline.gaps).toEqual([]);
  });

  test("a link leads to a message in the middle, and both ways on from there", async () => {
    const room = opened();
    await jump(room, 15_000);
    expect(room.link.asked).toMatchObject([{ around: placed(15_000).offset, limit: 100 }]);
    expect(room.store.getState().sought).toEqual({ offset: placed(15_000).offset, state: "shown" });
    expect(range(room)).toEqual([14_950, 15_049]);
    void room.store.reader.loadOlder();
    await serve(room);
    void room.store.reader.loadNewer();
    await serve(room);
    expect(range(room)).toEqual([14_850, 15_149]);
    // What arrives meanwhile is at the end, where the reader is not.
    say(room.link, [placed(total), placed(total + 1)]);
    expect(range(room)).toEqual([14_850, 15_149]);
    room.store.reader.toEnd();
    expect(range(room)).toEqual([total - 100, total + 1]);
    expect(room.store.getState()).toMatchObject({ past: null, sought: null });
  });

  test("a link to a message that is held, or close to the end, stays with the end", async () => {
    const room = opened();
    room.store.reader.seek(placed(total - 5).offset);
    expect(room.link.asked).toEqual([]);
    expect(room.store.getState()).toMatchObject({ past: null, sought: { state: "shown" } });
    await jump(room, total - 130);
    expect(room.store.getState().past).toBeNull();
    expect(range(room)).toEqual([total - 180, total - 1]);
  });

  test("from one message to another, and to one that is held at the end", async () => {
    const room = opened();
    await jump(room, 15_000);
    await jump(room, 5000);
    expect(range(room)).toEqual([4950, 5049]);
    room.store.reader.seek(placed(total - 5).offset);
    expect(room.store.getState()).toMatchObject({ past: null, sought: { state: "shown" } });
  });
});

describe("a link", () => {
  test.each([
    "yesterday",
    "",
    "1-",
    "1-2-3",
    "<script>",
    "-5-1",
    "1e3-0",
    "18446744073709551616-0",
    "0-99999999999999999999",
    "\u0661-0",
  ])("that is no place: %j", (at) => {
    const room = opened();
    room.store.reader.seek(at);
    expect(room.link.asked).toEqual([]);
    expect(room.store.getState().sought).toEqual({ offset: at, state: "invalid" });
    room.store.reader.dismiss();
    expect(room.store.getState().sought).toBeNull();
  });

  test("to a message that the room does not have shows the newest ones", async () => {
    const room = opened();
    await jump(room, 15_000);
    room.store.reader.seek("1234-5");
    room.link.asked.at(-1)?.answer({ status: "ok", messages: placedRange(0, 50), more: false, newer: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(room.store.getState()).toMatchObject({ past: null, sought: { state: "missing" } });
    expect(range(room)).toEqual([total - 100, total - 1]);
  });

  test.each([
    ["1234-5", 0, false, { state: "missing", off: "kept" }],
    ["1234-5", 0, true, { state: "failed" }], // the server has found a part only (HIS-7)
    ["1700000000000-7", 0, true, { state: "missing" }], // between two messages
    ["253402300799000-0", 29_950, true, { state: "missing" }], // in the year 9999
  ])("to a place without a message says what is known: %s", async (at, from, more, sought) => {
    const room = opened();
    room.store.reader.seek(at);
    const messages = placedRange(from, from + 50);
    room.link.asked.at(-1)?.answer({ status: "ok", messages, more, newer: from + 50 < total });
    await vi.advanceTimersByTimeAsync(0);
    expect(room.store.getState().sought).toEqual({ offset: at, ...sought });
  });

  test("to a room that keeps nothing says no more than that", async () => {
    const room = live();
    room.store.reader.seek("1234-5");
    room.link.asked.at(-1)?.answer({ status: "ok", messages: [], more: false, newer: false });
    await vi.advanceTimersByTimeAsync(0);
    expect(room.store.getState().sought).toEqual({ offset: "1234-5", state: "missing" });
  });

  test("is followed when there is a connection, and again after one that broke", async () => {
    const room = live();
    room.link.drop();
    room.store.reader.seek(placed(15_000).offset);
    expect(room.link.asked).toEqual([]);
    room.link.accept(false, placed(total - 1).offset);
    expect(room.link.asked).toHaveLength(1);
    room.link.asked[0]?.answer(undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(room.store.getState().sought?.state).toBe("failed");
    room.link.drop();
    room.link.accept(true);
    expect(room.link.asked).toHaveLength(2);
    await serve(room);
    expect(room.store.getState().sought?.state).toBe("shown");
  });

  test("does not lead back a reader who has gone on", async () => {
    const room = opened();
    room.store.reader.seek(placed(15_000).offset);
    room.store.reader.toEnd();
    await serve(room);
    expect(room.store.getState()).toMatchObject({ past: null, sought: null });
  });
});

describe("in the past", () => {
  test("a request that fails can be repeated, and a new connection repeats it", async () => {
    const room = opened();
    await jump(room, 15_000);
    for (const load of ["loadOlder", "loadNewer"] as const) void room.store.reader[load]();
    for (const { answer } of room.link.asked.slice(-2)) answer(refusal("unavailable"));
    await vi.advanceTimersByTimeAsync(0);
    expect(room.store.getState()).toMatchObject({ older: "failed", newer: "failed" });
    room.link.drop();
    room.link.accept(false, placed(total + 7).offset);
    expect(room.store.getState()).toMatchObject({ older: "idle", newer: "idle" });
    void room.store.reader.loadNewer();
    await serve(room);
    expect(range(room)).toEqual([14_950, 15_149]);
  });

  test("an answer for a stretch that is left changes nothing", async () => {
    const room = opened();
    await jump(room, 15_000);
    for (const load of ["loadOlder", "loadNewer"] as const) void room.store.reader[load]();
    const late = room.link.asked.slice(-2);
    await jump(room, 5000);
    for (const { answer } of late) answer({ status: "ok", messages: record.slice(0, 100), more: false, newer: false });
    await vi.advanceTimersByTimeAsync(0);
    expect(range(room)).toEqual([4950, 5049]);
    expect(room.store.getState()).toMatchObject({ older: "idle", newer: "idle" });
  });

  test("an older server, which does not know what comes after, makes no hole", async () => {
    const room = opened();
    await jump(room, 15_000);
    void room.store.reader.loadNewer();
    room.link.asked.at(-1)?.answer({ status: "ok", messages: record.slice(-100), more: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(room.store.getState().newer).toBe("failed");
    expect(range(room)).toEqual([14_950, 15_049]);
  });

  test("a gap at the end is closed by reading forwards", async () => {
    const room = opened();
    await jump(room, total - 200);
    room.link.drop();
    room.link.accept(false, placed(total + 49).offset);
    record.push(...placedRange(total, total + 60));
    say(room.link, placedRange(total + 50, total + 60));
    expect(room.store.getState().timeline.gaps).toHaveLength(1);
    while (room.store.getState().past) {
      void room.store.reader.loadNewer();
      await serve(room);
    }
    record.length = total;
    expect(room.store.getState().timeline.gaps).toEqual([]);
    expect(range(room)).toEqual([total - 250, total + 59]);
  });

  test("a hidden room holds its end only", async () => {
    const room = opened();
    await jump(room, 15_000);
    room.store.setShown(false);
    expect(room.store.getState()).toMatchObject({ past: null, sought: null });
  });
});

describe("a day", () => {
  const at = (n: number) => placed(n).at;

  test("leads to its first message", async () => {
    const room = opened();
    room.store.reader.seekDay(at(15_000), at(15_300));
    const { around } = room.link.asked.at(-1) ?? {};
    expect(around).toBe(`${at(15_000) - 1}-18446744073709551615`);
    await answerAround(room, 15_000, true);
    expect(room.store.getState().sought).toEqual({
      offset: placed(15_000).offset,
      aim: { dayEnd: at(15_300) },
      state: "shown",
    });
  });

  test("without a message leads to the next one, and says so", async () => {
    const room = opened();
    room.store.reader.seekDay(at(15_000), at(15_000));
    await answerAround(room, 15_000, true);
    expect(room.store.getState().sought).toMatchObject({ offset: placed(15_000).offset, off: "later" });
  });

  test("before the room began leads to its beginning, and says so", async () => {
    const room = opened();
    room.store.reader.seekDay(-5, 0);
    expect(room.link.asked.at(-1)?.around).toBe("0-18446744073709551615");
    await answerAround(room, 0, false);
    expect(room.store.getState().sought).toMatchObject({ offset: placed(0).offset, off: "begins" });
    expect(shown(room)[0]).toEqual(placed(0));
  });

  test("of the future leads to the end, and says so", async () => {
    const room = opened();
    room.store.reader.seekDay(at(total) + 5000, at(total) + 6000);
    await answerAround(room, total, true);
    expect(room.store.getState()).toMatchObject({ past: null, sought: { state: "missing" } });
  });

  test("that is loaded is not asked for", () => {
    const room = opened();
    const asked = room.link.asked.length;
    room.store.reader.seekDay(at(total - 30), at(total));
    expect(room.store.getState().sought?.state).toBe("shown");
    expect(room.link.asked).toHaveLength(asked);
  });

  test("that fails can be tried again", async () => {
    const room = opened();
    room.store.reader.seekDay(at(15_000), at(15_300));
    room.link.asked.at(-1)?.answer(undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(room.store.getState().sought?.state).toBe("failed");
    room.store.reader.retry();
    await answerAround(room, 15_000, true);
    expect(room.store.getState().sought?.state).toBe("shown");
  });

  test("what was new to the reader begins behind the last message that they read", async () => {
    const room = opened();
    room.store.reader.seekNews(placed(15_000).offset);
    expect(room.link.asked.at(-1)?.around).toBe(placed(15_000).offset);
    await answerAround(room, 15_001, true);
    expect(room.store.getState().sought).toMatchObject({ offset: placed(15_001).offset, state: "shown" });
  });
});

/** Answers the last request with what is on both sides of the place before a message. */
async function answerAround({ link }: Opened, n: number, more: boolean): Promise<void> {
  const messages = record.slice(Math.max(n - 50, 0), n + 50);
  link.asked.at(-1)?.answer({ status: "ok", messages, more, newer: n + 50 < total });
  await vi.advanceTimersByTimeAsync(0);
}
