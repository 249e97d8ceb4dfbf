// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from "@testing-library/react";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { MessageRow } from "@/room/rows";
import { BottomView } from "@/ui/dividers";
import { MessageView } from "@/ui/MessageView";
import { NewMessages } from "@/ui/NewMessages";
import { SoughtNote } from "@/ui/SoughtNote";
import { placed, placedRange } from "../make";
import { live, openChat, show } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

type Shown = ReturnType<typeof live>;

/** Leads to a message in the middle of a long past. */
async function jump({ store, link }: Pick<Shown, "store" | "link">): Promise<void> {
  await act(async () => {
    store.reader.seek(placed(50).offset);
    link.asked.at(-1)?.answer({ status: "ok", messages: placedRange(0, 100), more: true, newer: true });
  });
}

const answer = ({ link }: Shown, newer: boolean | undefined) =>
  act(async () => {
    const messages = newer === undefined ? [] : placedRange(100, 150);
    link.asked.at(-1)?.answer(newer === undefined ? undefined : { status: "ok", messages, more: true, newer });
  });

test("the way back counts what is new, and is there as long as the reader is in the past", async () => {
  const follow = vi.fn();
  const shown = live(<NewMessages follows={false} near={false} follow={follow} />);
  act(() => shown.link.listener.message(placed(500)));
  act(() => vi.advanceTimersByTime(2000));
  await jump(shown);
  expect(screen.getByRole("button").textContent).toBe("Jump to the newest");
  act(() => shown.link.listener.message(placed(501)));
  act(() => vi.advanceTimersByTime(100));
  expect(screen.getByRole("button").textContent).toBe("Jump to the newest · 1 new message");
  // Those who are hidden do not count, as soon as they are hidden.
  act(() => shown.link.listener.message(placed(502, { from: "g-2" })));
  act(() => vi.advanceTimersByTime(100));
  expect(screen.getByRole("button").textContent).toBe("Jump to the newest · 2 new messages");
  act(() => shown.hidden.hide("g-2", "eve"));
  expect(screen.getByRole("button").textContent).toBe("Jump to the newest · 1 new message");
  fireEvent.click(screen.getByRole("button"));
  expect(follow).toHaveBeenCalledOnce();
});

test("the bottom of the past says what is below it", async () => {
  const shown = live(<BottomView />);
  act(() => shown.link.listener.message(placed(500)));
  await jump(shown);
  expect(screen.getByText("Loading later messages…")).toBeTruthy();
  act(() => void shown.store.reader.loadNewer());
  await answer(shown, undefined);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await answer(shown, true);
  expect(shown.store.getState().past?.entries).toHaveLength(150);
  act(() => shown.link.drop());
  expect(screen.getByText("Later messages will load when you are connected.")).toBeTruthy();
});

test("a link that is not found can be tried again or closed", async () => {
  const shown = show(<SoughtNote />, openChat({ query: `?at=${placed(50).offset}` }));
  expect(screen.getByText("Looking for the message…")).toBeTruthy();
  act(() => shown.link.accept());
  await answer(shown, undefined);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(shown.link.asked).toHaveLength(2);
  const messages = [placed(49), placed(51)];
  await act(async () => shown.link.asked.at(-1)?.answer({ status: "ok", messages, more: true, newer: true }));
  expect(screen.getByText(/no such message in this room/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Close this note" }));
  expect(screen.queryByText(/no such message/)).toBeNull();
  expect(shown.visited).toEqual(["/".slice(1)]);
});

test("a link to what is no longer kept says so", async () => {
  const shown = show(<SoughtNote />, openChat({ query: "?at=1234-5" }));
  act(() => shown.link.accept());
  const messages = placedRange(0, 50);
  await act(async () => shown.link.asked.at(-1)?.answer({ status: "ok", messages, more: false, newer: true }));
  expect(screen.getByText(/older than all that this room keeps/)).toBeTruthy();
});

test("the time of a message is a link to it, and a click stays on the page", () => {
  const row: MessageRow = {
    kind: "message",
    key: "k",
    id: "a-50",
    offset: placed(50).offset,
    from: undefined,
    username: "ada",
    verified: false,
    text: "hi",
    at: placed(50).at,
    mine: false,
    delivery: { kind: "placed" },
    first: true,
    last: true,
  };
  const shown = live(<MessageView row={row} />);
  const link = screen.getByRole("link");
  expect(link.getAttribute("href")).toBe(`/?at=${placed(50).offset}`);
  fireEvent.click(link, { ctrlKey: true });
  expect(shown.link.asked).toEqual([]);
  fireEvent.click(link);
  expect(shown.link.asked).toMatchObject([{ around: placed(50).offset }]);
  expect(shown.visited.at(-1)).toBe(`?at=${placed(50).offset}`);
});
