// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Composer } from "@/ui/Composer";
import { lobby } from "@/wire/rooms";
import { placed } from "../make";
import { input, live } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** A composer in a room where Bob has spoken and Grace is. */
async function open() {
  const shown = live(<Composer username="ada" />);
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
