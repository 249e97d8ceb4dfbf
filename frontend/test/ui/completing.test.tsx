// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Composer } from "@/ui/Composer";
import { MentionNames } from "@/ui/Mentionable";
import { lobby } from "@/wire/rooms";
import { placed } from "../make";
import { input, live } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** A composer in a room where Bob has spoken and Grace is. */
async function open(composer = <Composer username="ada" />) {
  const shown = live(composer);
  act(() => void shown.identity.rename("ada"));
  act(() => {
    shown.link.listener.presence(2);
    shown.link.listener.message(placed(1, { username: "Bob" }));
  });
  const type = async (text: string) => {
    input().setSelectionRange(0, input().value.length);
    fireEvent.change(input(), { target: { value: text } });
    await act(() => vi.advanceTimersByTimeAsync(0));
  };
  return { ...shown, type };
}

const inRoom = (children: ReactNode) => <MentionNames>{children}</MentionNames>;
const options = () => screen.queryAllByRole("option").map((option) => option.textContent);
const press = (key: string, more = {}) => fireEvent.keyDown(input(), { key, ...more });

describe("completion of names", () => {
  test("lists who is here, then who spoke, without oneself; Enter completes and does not send", async () => {
    const { link, type } = await open();
    await type("hi @b");
    const answer = { id: "g", name: "Grace Bach" };
    await act(async () =>
      link.at(lobby).askedPeople[0]?.({ status: "ok", total: 2, people: [answer, { id: "n", name: "anonymous" }] }),
    );
    expect(options()).toEqual(["Bob", "Grace Bach"]);
    expect(input().getAttribute("aria-activedescendant")).toBe(screen.getAllByRole("option")[0]?.id);
    press("ArrowDown");
    expect(screen.getByRole("option", { selected: true }).textContent).toBe("Grace Bach");
    press("Enter");
    expect(input().value).toBe("hi @Grace Bach ");
    expect(options()).toEqual([]);
    expect(link.sent).toEqual([]);
    press("Enter");
    expect(link.sent).toMatchObject([{ message: "hi @Grace Bach" }]);
    await type("@ada");
    expect(options()).toEqual([]);
  });

  test("authors of the past are among them, those who are hidden are not", async () => {
    const { link, type, store, hidden } = await open(inRoom(<Composer username="ada" />));
    const past = (n: number, username: string) => placed(n, { username, from: username, offset: `16-${n}` });
    act(() => store.reader.seek("16-5"));
    const messages = [past(5, "Bea"), past(6, "Ben")];
    await act(async () => link.asked[0]?.answer({ status: "ok", messages, more: true, newer: true }));
    await type("@b");
    expect(options()).toEqual(["Bob", "Bea", "Ben"]);
    act(() => hidden.hide("Ben", "Ben"));
    await type("@be");
    expect(options()).toEqual(["Bea"]);
  });

  test("Escape closes it, and Enter sends then", async () => {
    const { link, type } = await open();
    await type("@b");
    press("Escape");
    expect(options()).toEqual([]);
    await type("@bo");
    expect(options()).toEqual([]);
    press("Enter");
    expect(link.sent).toMatchObject([{ message: "@bo" }]);
    await type("@b");
    expect(options()).toEqual(["Bob"]);
  });

  test("Enter of a composition chooses a word and not a name; Shift+Enter starts a line", async () => {
    const { type } = await open();
    await type("@b");
    press("Enter", { isComposing: true });
    press("Enter", { shiftKey: true });
    expect(input().value).toBe("@b");
    expect(options()).toEqual(["Bob"]);
  });

  test("a click completes, and so does Tab", async () => {
    const { type } = await open();
    await type("@b");
    fireEvent.click(screen.getByRole("option"));
    expect(input().value).toBe("@Bob ");
    await type("see @b");
    expect(press("Tab")).toBe(false);
    expect(input().value).toBe("see @Bob ");
    expect(press("Tab")).toBe(true);
  });
});
