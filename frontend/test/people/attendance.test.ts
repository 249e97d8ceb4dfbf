import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Attendance, type Present } from "@/people/attendance";
import type { PeopleAnswer } from "@/wire/contract";
import { placed } from "../make";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => void vi.useRealTimers());

const ada = { id: "a", name: "ada" };
const list = (...people: { id: string; name: string }[]): PeopleAnswer => ({
  status: "ok",
  total: people.length,
  people,
});
const busy: PeopleAnswer = { status: "error", code: "rate_limited", message: "" };

/** An attendance, and the requests it has made: each is answered by the test. */
function open() {
  const asked: ((answer: PeopleAnswer | undefined) => Promise<void>)[] = [];
  const told = vi.fn<(present: Present) => void>();
  const request = () =>
    new Promise<PeopleAnswer | undefined>((resolve) => {
      asked.push(async (answer) => {
        resolve(answer);
        await vi.advanceTimersByTimeAsync(0);
      });
    });
  return { attendance: new Attendance(request, told), asked, told };
}

/** The same, in a room, with somebody who looks and has the first answers: the first may be too old to have us. */
async function opened(answer: PeopleAnswer = list(ada)) {
  const shown = open();
  shown.attendance.changed(1);
  const stop = shown.attendance.watch();
  await vi.advanceTimersByTimeAsync(0);
  await shown.asked.pop()?.(answer);
  await vi.advanceTimersByTimeAsync(5000);
  await shown.asked.pop()?.(answer);
  return { ...shown, stop };
}

describe("who is here", () => {
  test("is asked when somebody looks, and not before", async () => {
    const { attendance, asked, told } = open();
    attendance.changed(3);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(0);
    attendance.watch();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(1);
    await asked[0]?.(list(ada));
    expect(told.mock.calls).toEqual([[{ people: [ada], total: 1, state: "known" }]]);
  });

  test("changes within five seconds make one request, and without changes there is no timer", async () => {
    const { attendance, asked } = await opened();
    expect(vi.getTimerCount()).toBe(0);
    for (let online = 2; online < 22; online++) attendance.changed(online);
    await vi.advanceTimersByTimeAsync(4900);
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toHaveLength(1);
    attendance.changed(5); // while the answer is on its way
    await asked[0]?.(list(ada));
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(2);
    await asked[1]?.(list(ada));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("the pages of a crowd ask seldom, and not all at once", async () => {
    const { attendance, asked } = await opened();
    await vi.advanceTimersByTimeAsync(40_000);
    attendance.changed(500);
    await vi.advanceTimersByTimeAsync(6200);
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(asked).toHaveLength(1);
    await asked[0]?.(list(ada));
    attendance.changed(501);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toHaveLength(2);
  });

  test("PRE-5 a busy server is asked again, a silent one only after a change", async () => {
    const { attendance, asked, told } = await opened();
    attendance.changed(2);
    await vi.advanceTimersByTimeAsync(5000);
    await asked[0]?.(busy);
    expect(told).toHaveBeenLastCalledWith({ people: [ada], total: 1, state: "failed" });
    await vi.advanceTimersByTimeAsync(5000);
    await asked[1]?.(undefined);
    expect(told.mock.lastCall?.[0].state).toBe("failed");
    expect(vi.getTimerCount()).toBe(0);
    attendance.changed(2);
    await vi.advanceTimersByTimeAsync(5000);
    await asked[2]?.(list(ada));
    expect(told.mock.lastCall?.[0].state).toBe("known");
  });

  test("waits until we are in the room, and for no pause then", async () => {
    const { attendance, asked } = open();
    attendance.watch();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(0);
    attendance.changed(500);
    await vi.advanceTimersByTimeAsync(0);
    await asked[0]?.(list(ada));
    attendance.changed(1);
    attendance.left();
    expect(vi.getTimerCount()).toBe(0);
    attendance.changed(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(2);
  });

  test("who comes without a name is looked at once more, and a change does not wait for that", async () => {
    const nameless = list({ id: "b", name: "anonymous" });
    const { attendance, asked } = await opened(nameless);
    await vi.advanceTimersByTimeAsync(14_000);
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1000);
    await asked[0]?.(nameless);
    expect(vi.getTimerCount()).toBe(0);
    attendance.changed(2);
    await vi.advanceTimersByTimeAsync(5000);
    await asked[1]?.(list({ id: "c", name: "anonymous" }));
    attendance.changed(3);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(3);
  });

  test("nobody is asked when nobody looks any more; who looks again gets a new answer", async () => {
    const { attendance, asked, stop } = await opened();
    attendance.changed(2);
    stop();
    expect(vi.getTimerCount()).toBe(0);
    attendance.watch();
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(1);
  });

  test("a message under a new name is a change", async () => {
    const { attendance, asked } = await opened();
    attendance.heard([placed(1, { from: "a" }), placed(2, { from: "b", username: "bob" })]);
    expect(vi.getTimerCount()).toBe(0);
    attendance.heard([placed(3, { from: "a", username: "Ada" })]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(1);
  });
});
