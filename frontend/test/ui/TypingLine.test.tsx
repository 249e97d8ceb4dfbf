// @vitest-environment happy-dom
import { act, cleanup, screen } from "@testing-library/react";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { TypingLine } from "@/ui/TypingLine";

import { live } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("at most three typists are named", () => {
  const { link } = live(<TypingLine />);
  const shows = (n: number, words: string) => {
    const username = ["ann", "bob", "cy", "dee", "eve"][n - 1] ?? "";
    act(() => link.listener.typing({ username, id: username, typing: true }));
    expect(screen.getByTestId("typing").textContent).toBe(words);
  };
  shows(1, "ann is typing");
  shows(2, "ann and bob are typing");
  shows(3, "ann, bob and cy are typing");
  shows(4, "ann, bob, cy and 1 more are typing");
  shows(5, "ann, bob, cy and 2 more are typing");
});
