// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from "@testing-library/react";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Composer } from "@/ui/Composer";
import { FakeMemory } from "../fakelink";
import { input, live, openChat, show, write } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("composer", () => {
  test("Enter sends and empties the input", () => {
    const { link } = live(<Composer username="ada" />);
    write("hello");
    fireEvent.keyDown(input(), { key: "Enter" });
    expect(link.sent).toMatchObject([{ message: "hello", username: "ada" }]);
    expect(input().value).toBe("");
  });

  test("pitfall 1: Enter during a composition does not send", () => {
    const { link } = live(<Composer username="ada" />);
    write("こんにちは");
    fireEvent.keyDown(input(), { key: "Enter", isComposing: true });
    fireEvent.keyDown(input(), { key: "Enter", keyCode: 229 });
    expect(link.sent).toEqual([]);
    fireEvent.keyDown(input(), { key: "Enter", keyCode: 13 });
    expect(link.sent).toHaveLength(1);
  });

  test("Shift+Enter is a line break, and an empty text is not sent", () => {
    const { link } = live(<Composer username="ada" />);
    fireEvent.keyDown(input(), { key: "Enter" });
    write("hello");
    fireEvent.keyDown(input(), { key: "Enter", shiftKey: true });
    expect(link.sent).toEqual([]);
  });

  test("on an on-screen keyboard Enter starts a line, and the button sends", () => {
    vi.spyOn(window, "matchMedia").mockImplementation(
      (query) => Object.assign(new EventTarget(), { matches: query === "(pointer: coarse)" }) as MediaQueryList,
    );
    const { link } = live(<Composer username="ada" />);
    expect(input().getAttribute("enterkeyhint")).toBe("enter");
    write("hello");
    expect(fireEvent.keyDown(input(), { key: "Enter" })).toBe(true);
    expect(link.sent).toEqual([]);
    fireEvent.click(screen.getByRole("button", { name: "Send" }));
    expect(link.sent).toHaveLength(1);
    // A tablet with a keyboard.
    write("hello again");
    fireEvent.keyDown(input(), { key: "Enter", ctrlKey: true });
    expect(link.sent).toHaveLength(2);
  });

  test("keeps the draft for the next page of this tab", () => {
    const { store } = live(<Composer username="ada" />);
    write("a draft");
    cleanup();
    expect(store.draft).toBe("a draft");
    const memory = new FakeMemory();
    memory.set("chat.draft", "a draft");
    show(<Composer username="ada" />, openChat({ memory }));
    expect(input().value).toBe("a draft");
    fireEvent.keyDown(input(), { key: "Enter" });
    expect(memory.get("chat.draft")).toBe("");
  });

  test("blank lines around a text do not count", () => {
    const { link } = live(<Composer username="ada" />);
    write(`\n\n${"x".repeat(4000)}\n\n`);
    expect(screen.getByText("4,000 of 4,000")).toBeTruthy();
    fireEvent.keyDown(input(), { key: "Enter" });
    expect(link.sent[0]?.message).toHaveLength(4000);
  });

  test("counts near the limit and keeps a text that is too long", () => {
    live(<Composer username="ada" />);
    write("x".repeat(3700));
    expect(screen.getByText("3,700 of 4,000")).toBeTruthy();
    write("x".repeat(4001));
    fireEvent.keyDown(input(), { key: "Enter" });
    expect(screen.getByRole("alert").textContent).toMatch(/at most 4,000 characters/);
    expect(input().value).toHaveLength(4001);
    expect(input().getAttribute("aria-invalid")).toBe("true");
  });

  test("a full outbox says so and keeps the text", () => {
    const { store } = show(<Composer username="ada" />);
    act(() => {
      for (let i = 0; i < 100; i++) store.send("ada", `m${i}`);
    });
    write("one more");
    fireEvent.keyDown(input(), { key: "Enter" });
    expect(screen.getByRole("alert").textContent).toMatch(/Too many messages are waiting/);
    expect(input().value).toBe("one more");
  });
});
