// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from "@testing-library/react";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Banner } from "@/ui/Banner";
import { Composer } from "@/ui/Composer";

import { input, live, show } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("pitfall 2: Strict Mode mounts twice and connects once", () => {
  const { link } = show(<Banner />);
  expect(link.connects).toBe(1);
});

describe("banner", () => {
  test("counts down to the next attempt, and does not make one wait for it", () => {
    const { link } = show(<Banner />);
    act(() => link.listener.failed({ kind: "refused", why: "full", retryAfterMs: 30_000 }));
    expect(screen.getByText("The room is full right now.")).toBeTruthy();
    const seconds = () => Number(/Next try in (\d+) s/.exec(document.body.textContent ?? "")?.[1]);
    const first = seconds();
    expect(first).toBeGreaterThanOrEqual(30);
    act(() => vi.advanceTimersByTime(5000));
    expect(seconds()).toBe(first - 5);
    fireEvent.click(screen.getByRole("button", { name: "Retry now" }));
    expect(link.connects).toBe(2);
  });

  test("counts down by a clock that nobody sets", () => {
    const { link } = show(<Banner />);
    act(() => link.listener.failed({ kind: "refused", why: "full", retryAfterMs: 30_000 }));
    const seconds = () => Number(/Next try in (\d+) s/.exec(document.body.textContent ?? "")?.[1]);
    const first = seconds();
    vi.setSystemTime(Date.now() - 3_600_000);
    act(() => vi.advanceTimersByTime(2000));
    expect(seconds()).toBe(first - 2);
  });

  test("leaves the keyboard in the input when its button goes away", () => {
    const { link } = show(
      <>
        <Banner />
        <Composer username="ada" />
      </>,
    );
    act(() => link.listener.failed({ kind: "refused", why: "full", retryAfterMs: 30_000 }));
    const button = screen.getByRole("button", { name: "Retry now" });
    button.focus();
    fireEvent.click(button);
    expect(document.activeElement).toBe(input());
  });

  test("is not there when all is well, nor at the first blink", () => {
    const { link, container } = live(<Banner />);
    expect(container.textContent).toBe("");
    act(() => vi.advanceTimersByTime(5000));
    act(() => link.drop());
    expect(container.textContent).toBe("");
  });
});
