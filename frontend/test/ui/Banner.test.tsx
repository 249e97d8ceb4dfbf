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
  test("counts down to the next attempt, and a click tries at once", () => {
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

  test("counts down by the steady clock", () => {
    const { link } = show(<Banner />);
    act(() => link.listener.failed({ kind: "refused", why: "full", retryAfterMs: 30_000 }));
    const seconds = () => Number(/Next try in (\d+) s/.exec(document.body.textContent ?? "")?.[1]);
    const first = seconds();
    vi.setSystemTime(Date.now() - 3_600_000);
    act(() => vi.advanceTimersByTime(2000));
    expect(seconds()).toBe(first - 2);
  });

  test("moves the focus to the input when its button disappears", () => {
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

  test("is hidden on a live connection and just after a loss", () => {
    const { link, container } = live(<Banner />);
    expect(container.textContent).toBe("");
    act(() => vi.advanceTimersByTime(5000));
    act(() => link.drop());
    expect(container.textContent).toBe("");
  });
});
