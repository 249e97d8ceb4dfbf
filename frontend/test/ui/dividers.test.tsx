// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from "@testing-library/react";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Clock } from "@/ui/Clock";
import { DayView, GapView, TopView } from "@/ui/dividers";
import { dayName } from "@/ui/times";
import { placed } from "../make";
import { live, show } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("pitfall 6: a gap is shown and can be filled", () => {
  const { store, link } = live(<GapView gap={{ after: placed(1).offset, state: "open" }} />);
  act(() => link.listener.message(placed(1)));
  act(() => link.drop());
  act(() => link.accept(false, placed(9).offset));
  fireEvent.click(screen.getByRole("button", { name: "Load missed" }));
  expect(link.asked).toHaveLength(1);
  expect(store.getState().timeline.gaps).toMatchObject([{ state: "loading" }]);
});

test("the top of the list shows what is above it", async () => {
  const { store, link } = live(<TopView more />);
  expect(screen.getByText("Loading earlier messages…")).toBeTruthy();
  await act(async () => {
    void store.reader.loadOlder();
    link.asked[0]?.answer(undefined);
  });
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(link.asked).toHaveLength(2);
});

test("at midnight today becomes yesterday", () => {
  vi.setSystemTime(new Date(2026, 10, 24, 23, 59, 59));
  show(<DayView at={Date.now()} />);
  expect(screen.getByText("Today")).toBeTruthy();
  act(() => vi.advanceTimersByTime(1500));
  expect(screen.getByText("Yesterday")).toBeTruthy();
});

test("after a night's sleep today is yesterday, although no timer ran", () => {
  vi.setSystemTime(new Date(2026, 10, 24, 22));
  show(<DayView at={Date.now()} />);
  vi.setSystemTime(new Date(2026, 10, 25, 8));
  expect(screen.getByText("Today")).toBeTruthy();
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
  expect(screen.getByText("Yesterday")).toBeTruthy();
});

test("a new time zone or language changes the times in an open page", () => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const at = Date.UTC(2026, 10, 24, 23, 30);
  vi.setSystemTime(at);
  process.env.TZ = "Europe/London";
  show(
    <>
      <DayView at={at} />
      <Clock at={at} />
    </>,
  );
  try {
    expect(screen.getByText("Today")).toBeTruthy();
    expect(screen.getByText(/11:30/)).toBeTruthy();
    process.env.TZ = "Asia/Tokyo";
    act(() => vi.advanceTimersByTime(60_000));
    expect(screen.getByText(/8:30/)).toBeTruthy();
    expect(screen.getByText("Today")).toBeTruthy();
    const languages = vi.spyOn(navigator, "languages", "get").mockReturnValue(["de"]);
    const format = vi.spyOn(Intl, "DateTimeFormat");
    act(() => void window.dispatchEvent(new Event("languagechange")));
    expect(format).toHaveBeenCalled();
    languages.mockRestore();
  } finally {
    process.env.TZ = timeZone;
  }
});

test("days have names", () => {
  const now = new Date(2026, 10, 24, 0, 30).getTime();
  expect(dayName(now, now)).toBe("Today");
  expect(dayName(now - 3_600_000, now)).toBe("Yesterday");
  expect(dayName(now - 3 * 86_400_000, now)).toMatch(/21/);
  expect(dayName(new Date(2024, 1, 1).getTime(), now)).toMatch(/2024/);
});
