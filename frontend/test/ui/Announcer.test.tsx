// @vitest-environment happy-dom
import { act, cleanup, screen, within } from "@testing-library/react";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Announcer, announcement } from "@/ui/Announcer";
import { placed } from "../make";
import { live } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("announcer", () => {
  test("announces new messages of others and nothing else", () => {
    const { link, identity } = live(<Announcer />);
    act(() => void identity.rename("ada"));
    const log = screen.getByRole("log");
    act(() => link.listener.message(placed(1, { username: "bob" })));
    expect(log.textContent).toBe("");
    act(() => vi.advanceTimersByTime(2000));
    act(() => link.listener.message(placed(2, { username: "bob" })));
    act(() => vi.advanceTimersByTime(100));
    act(() => link.listener.message(placed(3, { username: "ada", id: identity.newId() })));
    act(() => vi.advanceTimersByTime(2000));
    expect(log.textContent).toBe("bob: text 2");
  });

  test("counts the messages of a busy room", () => {
    const { link } = live(<Announcer />);
    act(() => vi.advanceTimersByTime(2000));
    for (let n = 1; n <= 40; n++) {
      act(() => link.listener.message(placed(n)));
      act(() => vi.advanceTimersByTime(60));
    }
    act(() => vi.advanceTimersByTime(2000));
    const lines = within(screen.getByRole("log")).getAllByText(/./);
    const counts = lines.map((line) => Number(/^(\d+) new messages$/.exec(line.textContent)?.[1]));
    expect(counts).toHaveLength(2);
    expect(counts.reduce((sum, n) => sum + n)).toBe(40);
  });

  test("announces a flood as one count in ten seconds, and the rest when it ends", () => {
    const { link } = live(<Announcer />);
    act(() => vi.advanceTimersByTime(2000));
    const counts = () =>
      within(screen.getByRole("log"))
        .queryAllByText(/new messages/)
        .map((line) => Number.parseInt(line.textContent, 10));
    for (let n = 1; n <= 300; n++) {
      act(() => link.listener.message(placed(n)));
      act(() => vi.advanceTimersByTime(100));
    }
    // Thirty seconds: after one and a half, eleven and a half, and so on.
    expect(counts()).toHaveLength(3);
    act(() => vi.advanceTimersByTime(1500));
    expect(counts()).toHaveLength(4);
    expect(counts().reduce((sum, n) => sum + n)).toBe(300);
    // Afterwards single messages are announced again.
    act(() => vi.advanceTimersByTime(20_000));
    act(() => link.listener.message(placed(301)));
    act(() => vi.advanceTimersByTime(1600));
    expect(screen.getByRole("log").textContent).toContain("ada: text 301");
  });

  test("announces that an own message failed, and why", async () => {
    const { store, link } = live(<Announcer />);
    act(() => void store.send("ada", "hello"));
    await act(async () => link.sent[0]?.answer({ status: "error", code: "rate_limited", message: "" }));
    const log = screen.getByRole("log");
    expect(log.textContent).toBe("Not sent: hello. You are sending too fast.");
    act(() => store.retry("me-0"));
    await act(async () => link.sent[1]?.answer({ status: "error", code: "unavailable", message: "" }));
    expect(within(log).getAllByText(/Not sent: hello/)).toHaveLength(2);
  });

  test("counts messages that are too many to read out", () => {
    const many = [placed(1), placed(2), placed(3), placed(4)];
    expect(announcement(many)).toEqual(["4 new messages"]);
    expect(announcement(many.slice(0, 2))).toEqual(["ada: text 1", "ada: text 2"]);
    expect(announcement([])).toEqual([]);
  });

  test("reads no marks of formatting, and says who mentions us", () => {
    const mentionsMe = ({ message }: { message: string }) => message.includes("@ada");
    const some = [placed(1, { message: "**hello** @ada" }), placed(2, { message: "- `code`" })];
    expect(announcement(some, mentionsMe)).toEqual(["ada mentions you: hello @ada", "ada: code"]);
    const many = [...some, placed(3), placed(4)];
    expect(announcement(many, mentionsMe)).toEqual(["4 new messages. ada mentions you."]);
  });
});
