// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Preferences } from "@/attention/preferences";
import { Identity } from "@/people/identity";
import type { MessageRow } from "@/room/rows";
import { Announcer, announcement } from "@/ui/Announcer";
import { Banner } from "@/ui/Banner";
import { Clock } from "@/ui/Clock";
import { Composer } from "@/ui/Composer";
import { ChatProvider } from "@/ui/context";
import { DayView, GapView, TopView } from "@/ui/dividers";
import { Header } from "@/ui/Header";
import { MessageView } from "@/ui/MessageView";
import { NameForm } from "@/ui/NameForm";
import { TypingLine } from "@/ui/TypingLine";
import { dayName } from "@/ui/times";
import { failureWords } from "@/ui/words";
import { FakeMemory, openStore } from "./fakelink";
import { placed } from "./make";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function show(children: ReactNode) {
  const { connector, store, link } = openStore();
  const identity = new Identity(new FakeMemory(), new FakeMemory());
  const preferences = new Preferences(new FakeMemory());
  const view = render(
    <StrictMode>
      <ChatProvider chat={{ connector, store, identity, preferences }}>{children}</ChatProvider>
    </StrictMode>,
  );
  return { connector, store, link, identity, preferences, ...view };
}

function live(children: ReactNode) {
  const shown = show(children);
  act(() => shown.link.accept());
  return shown;
}

const input = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
const write = (value: string) => fireEvent.change(input(), { target: { value } });

test("pitfall 2: Strict Mode mounts twice and connects once", () => {
  const { link } = show(<Banner />);
  expect(link.connects).toBe(1);
});

describe("composer", () => {
  test("Enter sends and empties", () => {
    const { link } = live(<Composer username="ada" />);
    write("hello");
    fireEvent.keyDown(input(), { key: "Enter" });
    expect(link.sent).toMatchObject([{ message: "hello", username: "ada" }]);
    expect(input().value).toBe("");
  });

  test("pitfall 1: Enter that ends a composition chooses a word, and does not send", () => {
    const { link } = live(<Composer username="ada" />);
    write("こんにちは");
    fireEvent.keyDown(input(), { key: "Enter", isComposing: true });
    fireEvent.keyDown(input(), { key: "Enter", keyCode: 229 });
    expect(link.sent).toEqual([]);
    fireEvent.keyDown(input(), { key: "Enter", keyCode: 13 });
    expect(link.sent).toHaveLength(1);
  });

  test("Shift+Enter is a line break, and nothing is not sent", () => {
    const { link } = live(<Composer username="ada" />);
    fireEvent.keyDown(input(), { key: "Enter" });
    write("hello");
    fireEvent.keyDown(input(), { key: "Enter", shiftKey: true });
    expect(link.sent).toEqual([]);
  });

  test("on a keyboard on the screen Enter begins a line, and the button sends", () => {
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

  test("keeps what is being written for the next page of this tab", () => {
    const { store } = live(<Composer username="ada" />);
    write("a draft");
    cleanup();
    expect(store.draft).toBe("a draft");
    const memory = new FakeMemory();
    memory.set("chat.draft", "a draft");
    const chat = {
      ...openStore({ memory }),
      identity: new Identity(new FakeMemory(), new FakeMemory()),
      preferences: new Preferences(new FakeMemory()),
    };
    render(
      <ChatProvider chat={chat}>
        <Composer username="ada" />
      </ChatProvider>,
    );
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

  test("counts near the limit, and keeps what is too long", () => {
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

describe("name form", () => {
  test("takes a name, and explains one that it cannot take", () => {
    const { identity } = show(<NameForm />);
    const field = screen.getByRole("textbox", { name: "Your name" });
    fireEvent.change(field, { target: { value: "x".repeat(65) } });
    fireEvent.click(screen.getByRole("button", { name: "Join the room" }));
    expect(screen.getByRole("alert").textContent).toMatch(/at most 64/);
    expect(field.getAttribute("aria-invalid")).toBe("true");
    fireEvent.change(field, { target: { value: " ada " } });
    fireEvent.click(screen.getByRole("button", { name: "Join the room" }));
    expect(identity.getMe().username).toBe("ada");
  });

  test("keeps what was typed before the page came alive, and offers the remembered name otherwise", () => {
    for (const typed of ["", "grace"]) {
      const memory = new FakeMemory();
      new Identity(memory, new FakeMemory()).rename("ada");
      const identity = new Identity(memory, new FakeMemory());
      const chat = { ...openStore(), identity, preferences: new Preferences(new FakeMemory()) };
      const page = (
        <ChatProvider chat={chat}>
          <NameForm />
        </ChatProvider>
      );
      const container = document.createElement("div");
      document.body.append(container);
      container.innerHTML = renderToString(page);
      const field = container.querySelector("input");
      if (field) field.value = typed;
      const { unmount } = render(page, { container, hydrate: true });
      expect(container.querySelector("input")).toBe(field);
      expect(field?.value).toBe(typed || "ada");
      unmount();
    }
  });

  test("says who is there", () => {
    const { link } = show(<NameForm />);
    const shows = (online: number, words: string) => {
      act(() => link.listener.presence(online));
      expect(screen.getByText(words)).toBeTruthy();
    };
    shows(1, "Nobody else is here yet.");
    shows(2, "One other is here.");
    shows(1235, "1,234 others are here.");
  });
});

describe("banner", () => {
  test("counts down to the next attempt, and does not make one wait for it", () => {
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

  test("counts down by a clock that nobody sets", () => {
    const { link } = show(<Banner />);
    act(() => link.listener.failed({ kind: "refused", why: "full", retryAfterMs: 30_000 }));
    const seconds = () => Number(/Next try in (\d+) s/.exec(document.body.textContent ?? "")?.[1]);
    const first = seconds();
    vi.setSystemTime(Date.now() - 3_600_000);
    act(() => vi.advanceTimersByTime(2000));
    expect(seconds()).toBe(first - 2);
  });

  test("leaves the keyboard in the input when its button goes away", () => {
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

  test("is not there when all is well, nor at the first blink", () => {
    const { link, container } = live(<Banner />);
    expect(container.textContent).toBe("");
    act(() => vi.advanceTimersByTime(5000));
    act(() => link.drop());
    expect(container.textContent).toBe("");
  });
});

describe("header", () => {
  test("shows state, count and a namesake", () => {
    const { link } = live(<Header username="ada" />);
    act(() => link.listener.presence(1234));
    expect(screen.getByRole("status").textContent).toBe("Live");
    expect(screen.getByText("1,234 online")).toBeTruthy();
    expect(screen.queryByTitle(/Somebody else/)).toBeNull();
    act(() => link.listener.message(placed(1, { username: "ada", id: "stranger-1" })));
    expect(screen.getByTitle("Somebody else is called ada, too.")).toBeTruthy();
  });
});

describe("announcer", () => {
  test("tells what others say after the beginning, and nothing else", () => {
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

  test("does not read out a busy room message by message", () => {
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

  test("tells a flood as one count in ten seconds, and the rest when it ends", () => {
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
    // Then it is as quiet as before.
    act(() => vi.advanceTimersByTime(20_000));
    act(() => link.listener.message(placed(301)));
    act(() => vi.advanceTimersByTime(1600));
    expect(screen.getByRole("log").textContent).toContain("ada: text 301");
  });

  test("tells whoever cannot see it that a message was not sent, and why", async () => {
    const { store, link } = live(<Announcer />);
    act(() => void store.send("ada", "hello"));
    await act(async () => link.sent[0]?.answer({ status: "error", code: "rate_limited", message: "" }));
    const log = screen.getByRole("log");
    expect(log.textContent).toBe("Not sent: hello. That was too fast for the server.");
    act(() => store.retry("me-0"));
    await act(async () => link.sent[1]?.answer({ status: "error", code: "unavailable", message: "" }));
    expect(within(log).getAllByText(/Not sent: hello/)).toHaveLength(2);
  });

  test("counts what is too much to be read out", () => {
    const many = [placed(1), placed(2), placed(3), placed(4)];
    expect(announcement(many)).toEqual(["4 new messages"]);
    expect(announcement(many.slice(0, 2))).toEqual(["ada: text 1", "ada: text 2"]);
    expect(announcement([])).toEqual([]);
  });
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

describe("a message", () => {
  const row: MessageRow = {
    kind: "message",
    key: "k",
    id: "me-0",
    username: "ada",
    text: "hi https://example.com",
    at: new Date(2026, 10, 24, 9, 5).getTime(),
    mine: true,
    delivery: { kind: "placed" },
    first: true,
    last: true,
  };

  test("has an author, a text with links, and a time that tells the day when pointed at", () => {
    show(<MessageView row={row} />);
    const article = within(screen.getByRole("article"));
    expect(article.getByText("ada").tagName).toBe("BDI");
    expect(article.getByRole("link").getAttribute("href")).toBe("https://example.com/");
    expect(article.getByTitle(/2026/).textContent).toMatch(/9:05/);
    expect(article.getByLabelText("Sent")).toBeTruthy();
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

  test("that can never be sent offers no second try", () => {
    show(<MessageView row={{ ...row, delivery: { kind: "failed", why: "too_long" } }} />);
    expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  });

  test("that is very long shows its beginning, and the rest when asked", () => {
    for (const text of ["line\n".repeat(500), "word ".repeat(800)]) {
      show(<MessageView row={{ ...row, text }} />);
      const article = screen.getByRole("article");
      expect(article.textContent?.length).toBeLessThan(1300);
      fireEvent.click(within(article).getByRole("button", { name: "Show all" }));
      expect(article.textContent).toContain(text);
      cleanup();
    }
  });

  test("keeps the keyboard in the list when a button of it goes away", () => {
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

  test("that waits says for what", () => {
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

test("pitfall 6: a gap is shown and can be filled", () => {
  const { store, link } = live(<GapView gap={{ after: placed(1).offset, state: "open" }} />);
  act(() => link.listener.message(placed(1)));
  act(() => link.drop());
  act(() => link.accept(false, placed(9).offset));
  fireEvent.click(screen.getByRole("button", { name: "Load missed" }));
  expect(link.asked).toHaveLength(1);
  expect(store.getState().timeline.gaps).toMatchObject([{ state: "loading" }]);
});

test("the top of the list tells what is above it", async () => {
  const { store, link } = live(<TopView more />);
  expect(screen.getByText("Loading earlier messages…")).toBeTruthy();
  await act(async () => {
    void store.loadOlder();
    link.asked[0]?.answer(undefined);
  });
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(link.asked).toHaveLength(2);
});

test("at midnight today becomes yesterday", () => {
  vi.setSystemTime(new Date(2026, 10, 24, 23, 59, 59));
  show(<DayView at={Date.now()} />);
  expect(screen.getByText("Today")).toBeTruthy();
  act(() => vi.advanceTimersByTime(1500));
  expect(screen.getByText("Yesterday")).toBeTruthy();
});

test("after a night's sleep today is yesterday, though no timer ran", () => {
  vi.setSystemTime(new Date(2026, 10, 24, 22));
  show(<DayView at={Date.now()} />);
  vi.setSystemTime(new Date(2026, 10, 25, 8));
  expect(screen.getByText("Today")).toBeTruthy();
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
  expect(screen.getByText("Yesterday")).toBeTruthy();
});

test("who travels, or chooses another language, reads other times in the same page", () => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const at = Date.UTC(2026, 10, 24, 23, 30);
  vi.setSystemTime(at);
  process.env.TZ = "Europe/London";
  show(
    <>
      <DayView at={at} />
      <Clock at={at} />
    </>,
  );
  try {
    expect(screen.getByText("Today")).toBeTruthy();
    expect(screen.getByText(/11:30/)).toBeTruthy();
    process.env.TZ = "Asia/Tokyo";
    act(() => vi.advanceTimersByTime(60_000));
    expect(screen.getByText(/8:30/)).toBeTruthy();
    expect(screen.getByText("Today")).toBeTruthy();
    const languages = vi.spyOn(navigator, "languages", "get").mockReturnValue(["de"]);
    const format = vi.spyOn(Intl, "DateTimeFormat");
    act(() => void window.dispatchEvent(new Event("languagechange")));
    expect(format).toHaveBeenCalled();
    languages.mockRestore();
  } finally {
    process.env.TZ = timeZone;
  }
});

test("days have names", () => {
  const now = new Date(2026, 10, 24, 0, 30).getTime();
  expect(dayName(now, now)).toBe("Today");
  expect(dayName(now - 3_600_000, now)).toBe("Yesterday");
  expect(dayName(now - 3 * 86_400_000, now)).toMatch(/21/);
  expect(dayName(new Date(2024, 1, 1).getTime(), now)).toMatch(/2024/);
});
