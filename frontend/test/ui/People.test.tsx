// @vitest-environment happy-dom
import { act, cleanup, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { People } from "@/ui/People";
import type { PeopleAnswer } from "@/wire/contract";
import { lobby } from "@/wire/rooms";
import { welcome } from "../make";
import { live } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** Shows the list, and answers its first request. */
async function shown(answer: PeopleAnswer | undefined) {
  const shown = live(<People />);
  shown.identity.rename("zoe");
  shown.identity.welcomed(welcome("me"));
  act(() => shown.link.listener.presence(1));
  await act(() => vi.advanceTimersByTimeAsync(0));
  await act(async () => shown.link.at(lobby).askedPeople[0]?.(answer));
  return shown;
}

const rows = () => screen.getAllByRole("listitem").map((row) => row.textContent);

describe("people", () => {
  test("oneself is first, and those without a name are last", async () => {
    await shown({
      status: "ok",
      total: 4,
      people: [
        { id: "v", name: "bob", verified: true },
        { id: "1", name: "anonymous" },
        { id: "2", name: "Ada" },
        { id: "me", name: "old name" },
      ],
    });
    expect(rows()).toEqual(["zoe (you)", "Ada", "bobThe account of this person gives them this name.", "anonymous"]);
    expect(screen.getByRole("heading").textContent).toBe("People, 4");
    expect(screen.queryByText(/more/)).toBeNull();
  });

  test("PRE-4 says how many are not named", async () => {
    const people = Array.from({ length: 100 }, (_, i) => ({ id: `p${i}`, name: `person ${i}` }));
    await shown({ status: "ok", total: 1234, people });
    expect(rows()).toHaveLength(100);
    expect(screen.getByText("and 1,134 more")).toBeTruthy();
  });

  test("says that it does not know, and keeps what it knew", async () => {
    const { link } = await shown(undefined);
    expect(screen.getByText("Who is here is not known right now.")).toBeTruthy();
    act(() => link.listener.presence(2));
    await act(() => vi.advanceTimersByTimeAsync(5000));
    await act(async () =>
      link.at(lobby).askedPeople[1]?.({ status: "ok", total: 1, people: [{ id: "2", name: "Ada" }] }),
    );
    expect(rows()).toEqual(["Ada"]);
    expect(screen.getByText("Somebody is here more than once.")).toBeTruthy();
    act(() => link.listener.presence(3));
    await act(() => vi.advanceTimersByTimeAsync(5000));
    await act(async () => link.at(lobby).askedPeople[2]?.(undefined));
    expect(rows()).toEqual(["Ada"]);
    expect(screen.getByText("This list may be outdated.")).toBeTruthy();
  });
});
