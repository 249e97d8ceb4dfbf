import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Beginning } from "@/room/beginning";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begun(): Beginning {
  const beginning = new Beginning();
  beginning.begin(50);
  return beginning;
}

test("as many messages as were asked for are history, however long they take", () => {
  const beginning = begun();
  for (let i = 0; i < 49; i++) {
    vi.advanceTimersByTime(900);
    expect(beginning.take(1)).toBe(1);
  }
  vi.advanceTimersByTime(900);
  expect(beginning.take(3)).toBe(1);
  expect(beginning.take(1)).toBe(0);
});

test("a room with fewer messages has sent its history when it falls silent", () => {
  const beginning = begun();
  expect(beginning.take(3)).toBe(3);
  vi.advanceTimersByTime(1001);
  expect(beginning.take(1)).toBe(0);
});

test("a page that was busy does not take that for silence", () => {
  const beginning = begun();
  expect(beginning.take(3)).toBe(3);
  const late = performance.now() + 5000;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => late);
  vi.advanceTimersByTime(1001);
  clock.mockRestore();
  expect(beginning.take(47)).toBe(47);
});

test("before a room is entered there is no history", () => expect(new Beginning().take(1)).toBe(0));
