// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MessageRow } from "@/room/rows";
import { MessageView } from "@/ui/MessageView";
import { failureWords } from "@/ui/words";

import { live, show } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("a message", () => {
  const row: MessageRow = {
    kind: "message",
    key: "k",
    id: "me-0",
    offset: undefined,
    from: undefined,
    username: "ada",
    verified: false,
    text: "hi https://example.com",
    at: new Date(2026, 10, 24, 9, 5).getTime(),
    mine: true,
    delivery: { kind: "placed" },
    first: true,
    last: true,
  };

  test("has an author, a text with links, and a time with the date as its title", () => {
    show(<MessageView row={row} />);
    const article = within(screen.getByRole("article"));
    expect(article.getByText("ada").tagName).toBe("BDI");
    expect(article.getByRole("link").getAttribute("href")).toBe("https://example.com/");
    expect(article.getByTitle(/2026/).textContent).toMatch(/9:05/);
    expect(article.getByLabelText("Sent")).toBeTruthy();
  });

  test("P11 of a verified name says so, and a refusal of the right to write cannot be retried", () => {
    show(<MessageView row={{ ...row, mine: false }} />);
    expect(screen.queryByRole("img", { name: "verified name" })).toBeNull();
    cleanup();
    show(<MessageView row={{ ...row, mine: false, verified: true }} />);
    expect(screen.getByRole("img", { name: "verified name" })).toBeTruthy();
    cleanup();
    show(<MessageView row={{ ...row, delivery: { kind: "failed", why: "forbidden" } }} />);
    expect(screen.getByText("You can read here, but not write.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  });

  test("that failed says why in words and can be sent again or removed", async () => {
    const { store, link } = live(<MessageView row={{ ...row, delivery: { kind: "failed", why: "unavailable" } }} />);
    act(() => void store.send("ada", "hi"));
    await act(async () => link.sent[0]?.answer({ status: "error", code: "unavailable", message: "" }));
    expect(screen.getByText("The server could not store this just now.")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Retry" }));
    expect(link.sent.map(({ id }) => id)).toEqual(["me-0", "me-0"]);
    fireEvent.click(screen.getByRole("button", { name: "Remove" }));
    expect(store.getState().outbox).toEqual([]);
  });

  test("that can never be sent offers no retry", () => {
    show(<MessageView row={{ ...row, delivery: { kind: "failed", why: "too_long" } }} />);
    expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  });

  test("that is very long shows its beginning, and the rest on a click", () => {
    for (const text of ["line\n".repeat(500), "word ".repeat(800)]) {
      show(<MessageView row={{ ...row, text }} />);
      const article = screen.getByRole("article");
      expect(article.textContent?.length).toBeLessThan(1300);
      fireEvent.click(within(article).getByRole("button", { name: "Show all" }));
      expect(article.textContent).toContain(text);
      cleanup();
    }
  });

  test("keeps the focus in the list when one of its buttons disappears", () => {
    const failed = { kind: "failed", why: "unavailable" } as const;
    const list = (shown: MessageRow) => (
      <section tabIndex={-1} data-testid="list">
        <MessageView row={shown} />
      </section>
    );
    live(list({ ...row, text: "long ".repeat(400), delivery: failed }));
    for (const name of ["Show all", "Retry"]) {
      const button = screen.getByRole("button", { name });
      button.focus();
      fireEvent.click(button, { detail: 1 });
      expect(document.activeElement).not.toBe(screen.getByTestId("list"));
      if (!button.isConnected) continue;
      fireEvent.click(button, { detail: 0 });
      expect(document.activeElement).toBe(screen.getByTestId("list"));
    }
  });

  test("that waits shows what it waits for", () => {
    const { link } = show(<MessageView row={{ ...row, delivery: { kind: "waiting" } }} />);
    expect(screen.getByLabelText("Waiting for a connection")).toBeTruthy();
    act(() => link.accept());
    expect(screen.getByLabelText("Sending")).toBeTruthy();
  });

  test("every failure has words", () => {
    for (const why of [
      "invalid",
      "empty",
      "too_long",
      "rate_limited",
      "unavailable",
      "unknown",
      "no_answer",
      "expired",
    ] as const) {
      expect(failureWords(why)).toMatch(/^[A-Z].*\.$/);
    }
  });
});
