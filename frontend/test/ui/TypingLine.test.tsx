// @vitest-environment happy-dom
import { act, cleanup, screen } from "@testing-library/react";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { MentionNames } from "@/ui/Mentionable";
import { TypingLine } from "@/ui/TypingLine";

import { placed, welcome } from "../make";
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

test("a hidden person is neither named nor counted, until they are shown again", () => {
  const { link, hidden, identity } = live(
    <MentionNames>
      <TypingLine />
    </MentionNames>,
  );
  const words = () => screen.getByTestId("typing").textContent;
  act(() => {
    identity.welcomed(welcome("g-me"));
    hidden.hide("g-2", "eve");
    link.listener.message(placed(1, { username: "eve again", from: "g-2" }));
    link.listener.message(placed(2, { username: "ann", from: "g-1" }));
    for (const username of ["ann", "eve", "bob", "cy", "eve again"])
      link.listener.typing({ username, id: username, typing: true });
  });
  expect(words()).toBe("ann, bob and cy are typing");
  act(() => hidden.show("g-2"));
  expect(words()).toBe("ann, eve, bob and 2 more are typing");
  // A hidden person takes the name of the one who reads, who never reads of their own typing.
  act(() => {
    hidden.hide("g-1", "ann");
    link.listener.message(placed(3, { username: "me", from: "g-me" }));
    link.listener.message(placed(4, { username: "me", from: "g-1" }));
    link.listener.typing({ username: "me", id: "s", typing: true });
  });
  expect(words()).not.toContain("me");
});
