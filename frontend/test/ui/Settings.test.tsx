// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { attend } from "@/attention/attend";
import "@/attention/news"; // the page loads it when it is needed; here it is there at once
import "@/room/mentioned";
import { Header } from "@/ui/Header";
import { placed, welcome } from "../make";
import { openChat, show } from "./show";

/** The start of each note that was played. */
const notes: number[] = [];

class FakeAudioContext {
  state = "running";
  currentTime = 0;
  resume = async () => {};
  createGain = () => ({
    gain: { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} },
    connect() {},
  });
  createOscillator = () => ({
    frequency: { value: 0 },
    connect: <T,>(next: T) => next,
    start: (at: number) => void notes.push(at),
    stop() {},
  });
}

/** Notifications of a browser in which the person answers with `answer`. */
class FakeNotification {
  static answer: NotificationPermission = "granted";
  static permission: NotificationPermission = "default";
  static asked = 0;
  static shown: string[] = [];
  static options: object = {};

  static async requestPermission(): Promise<NotificationPermission> {
    FakeNotification.asked++;
    FakeNotification.permission = FakeNotification.answer;
    return FakeNotification.answer;
  }

  constructor(title: string, options: { body: string }) {
    FakeNotification.options = options;
    FakeNotification.shown.push(`${title}: ${options.body}`);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(FakeNotification, { answer: "granted", permission: "default", asked: 0, shown: [] });
  vi.stubGlobal("Notification", FakeNotification);
  notes.length = 0;
  vi.stubGlobal("AudioContext", FakeAudioContext);
});
afterEach(() => {
  cleanup();
  setSeen(true);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Renders the header with open settings, over a page that attends to new messages. */
function open() {
  const opened = openChat();
  const { identity, preferences } = opened.chat;
  const { link } = opened;
  identity.rename("ada");
  attend(opened.chat);
  show(<Header username="ada" people={{ open() {} }} />, opened);
  act(() => link.accept());
  // Messages of the first second of a connection are history.
  act(() => vi.advanceTimersByTime(2000));
  fireEvent.click(screen.getByRole("button", { name: /Settings/ }));
  return { link, identity, preferences };
}

/** Reports to the page that its window is covered or visible again. */
function setSeen(seen: boolean): void {
  Object.defineProperty(document, "visibilityState", { value: seen ? "visible" : "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** Waits for promises and for the batch of new messages. */
const settle = () => act(() => vi.advanceTimersByTimeAsync(100));

const dialog = () => screen.getByRole<HTMLDialogElement>("dialog", { name: "Settings" });
const box = (label: string) => within(dialog()).getByLabelText<HTMLInputElement>(label);
const alerts = () => within(dialog()).queryAllByRole("alert");

/** Flips a switch and waits for the effect. */
async function flip(label: string): Promise<void> {
  fireEvent.click(box(label));
  await settle();
}

describe("notifications", () => {
  const label = "Show a notification";

  test("that the browser denies are reported and stay off", async () => {
    FakeNotification.answer = "denied";
    const { preferences } = open();
    expect(FakeNotification.asked).toBe(0);
    await flip(label);
    expect(FakeNotification.asked).toBe(1);
    expect(alerts().map((alert) => alert.textContent)).toEqual([expect.stringMatching(/does not allow notifications/)]);
    expect(box(label).checked).toBe(false);
    expect(preferences.getWishes().notify).toBe(false);

    // The person may change their mind in the settings of the browser.
    FakeNotification.answer = "granted";
    await flip(label);
    expect(alerts()).toEqual([]);
    expect(box(label).checked).toBe(true);
    expect(preferences.getWishes().notify).toBe(true);
  });

  test("that were neither allowed nor denied stay off, without a report", async () => {
    FakeNotification.answer = "default";
    const { preferences } = open();
    await flip(label);
    expect(alerts()).toEqual([]);
    expect(box(label).checked).toBe(false);
    expect(preferences.getWishes().notify).toBe(false);
  });

  test("that the browser does not support are reported as blocked and stay off", async () => {
    vi.stubGlobal("Notification", undefined);
    const { preferences } = open();
    await flip(label);
    expect(alerts().map((alert) => alert.textContent)).toEqual([expect.stringMatching(/does not allow notifications/)]);
    expect(box(label).checked).toBe(false);
    expect(preferences.getWishes().notify).toBe(false);
  });

  test("that the browser cannot ask about are reported as blocked", async () => {
    vi.spyOn(FakeNotification, "requestPermission").mockRejectedValue(new DOMException("no", "SecurityError"));
    open();
    await flip(label);
    expect(alerts()).toHaveLength(1);
    expect(box(label).checked).toBe(false);
  });

  test("are switched off without a question", async () => {
    const { preferences } = open();
    await flip(label);
    await flip(label);
    expect(preferences.getWishes().notify).toBe(false);
    expect(FakeNotification.asked).toBe(1);
    expect(alerts()).toEqual([]);
  });

  test("show a message that arrives while the page is hidden, without sound", async () => {
    const { link } = open();
    await flip(label);
    setSeen(false);
    FakeNotification.shown = [];
    act(() => link.listener.message(placed(1, { username: "bob" })));
    await settle();
    expect(FakeNotification.shown).toEqual(["bob: text 1"]);
    expect(notes).toEqual([]);
  });
});

describe("only when I am mentioned", () => {
  test("signals and the title leave out other messages, and nothing at all can be wished for", async () => {
    const { link, preferences } = open();
    await flip("Show a notification");
    fireEvent.change(screen.getByLabelText("Tell me about"), { target: { value: "mentions" } });
    expect(preferences.getWishes().about).toBe("mentions");
    setSeen(false);
    FakeNotification.shown = [];
    const say = async (n: number, message: string) => {
      act(() => link.listener.message(placed(n, { username: "bob", message })));
      await settle();
    };
    await say(1, "hello");
    expect(FakeNotification.shown).toEqual([]);
    expect(document.title).toBe("Chat");
    await say(4, "**hello** @ada");
    expect(FakeNotification.shown).toEqual(["bob: hello @ada"]);
    expect(document.title).toBe("(1) Chat");
    act(() => preferences.set({ about: "all" }));
    expect(document.title).toBe("(2) Chat");
    act(() => preferences.set({ about: "none" }));
    await say(7, "@ada again");
    expect(FakeNotification.shown).toHaveLength(1);
    expect(document.title).toBe("Chat");
  });
});

describe("a visible window without the focus", () => {
  const heard = async (link: ReturnType<typeof open>["link"], n: number) => {
    act(() => link.listener.message(placed(n, { username: "bob" })));
    await settle();
    return { title: document.title, shown: FakeNotification.shown.splice(0), notes: notes.splice(0).length };
  };

  test("counts, notifies and sounds until it has the focus again", async () => {
    const { link } = open();
    await flip("Show a notification");
    await flip("Play a sound");
    [FakeNotification.shown, notes.length] = [[], 0];
    const focus = vi.spyOn(document, "hasFocus").mockReturnValue(false);
    act(() => void window.dispatchEvent(new Event("blur")));
    expect(await heard(link, 1)).toEqual({ title: "(1) Chat", shown: ["bob: text 1"], notes: 2 });
    expect(await heard(link, 2)).toEqual({ title: "(2) Chat", shown: ["bob: text 2"], notes: 2 });
    // The second notification replaces the first and signals again.
    expect(FakeNotification.options).toMatchObject({ tag: "chat", renotify: true });
    focus.mockReturnValue(true);
    act(() => void window.dispatchEvent(new Event("focus")));
    expect(document.title).toBe("Chat");
    expect(await heard(link, 3)).toEqual({ title: "Chat", shown: [], notes: 0 });
  });
});

describe("the sound", () => {
  const label = "Play a sound";

  test("is silent if the browser does not support or allow it", async () => {
    const broken = class {
      constructor() {
        throw new DOMException("no device", "NotSupportedError");
      }
    };
    for (const context of [undefined, broken]) {
      vi.resetModules();
      vi.stubGlobal("AudioContext", context);
      const { playChime } = await import("@/attention/sound");
      await expect(playChime()).resolves.toBeUndefined();
    }
  });

  test("plays as a sample when it is switched on, and not when it is switched off", async () => {
    const { preferences } = open();
    expect(notes).toEqual([]);
    await flip(label);
    expect(notes).toHaveLength(2);
    expect(preferences.getWishes().sound).toBe(true);
    await flip(label);
    expect(notes).toHaveLength(2);
    expect(preferences.getWishes().sound).toBe(false);
  });

  test("plays only for a message of somebody else while the page is hidden", async () => {
    const { link, identity } = open();
    await flip(label);
    notes.length = 0;
    const heard = async (n: number, change: Parameters<typeof placed>[1]) => {
      act(() => link.listener.message(placed(n, change)));
      await settle();
      return notes.splice(0).length;
    };
    expect(await heard(1, { username: "bob" })).toBe(0);
    setSeen(false);
    expect(await heard(2, { username: "bob" })).toBe(2);
    expect(await heard(3, { username: "ada", id: identity.newId() })).toBe(0);
    setSeen(true);
    expect(await heard(4, { username: "bob" })).toBe(0);
  });

  test("is off at first", async () => {
    const { link } = open();
    setSeen(false);
    act(() => link.listener.message(placed(1, { username: "bob" })));
    await settle();
    expect(document.title).toBe("(1) Chat");
    expect(notes).toEqual([]);
  });
});

describe("another name", () => {
  const field = () => within(dialog()).getByRole<HTMLInputElement>("textbox", { name: "Your name" });
  const change = () => within(dialog()).getByRole<HTMLButtonElement>("button", { name: "Change" });
  const write = (value: string) => fireEvent.change(field(), { target: { value } });

  test.each([
    ["x".repeat(65), /at most 64 characters/],
    ["a\u0007b", /control characters/],
  ])("that the server would refuse changes nothing and is explained: %j", (name, words) => {
    const { identity } = open();
    write(name);
    fireEvent.click(change());
    expect(alerts().map((alert) => alert.textContent)).toEqual([expect.stringMatching(words)]);
    expect(field().getAttribute("aria-invalid")).toBe("true");
    expect(document.getElementById(field().getAttribute("aria-describedby") ?? "")?.textContent).toMatch(words);
    expect(identity.getMe().username).toBe("ada");
    expect(dialog().open).toBe(true);
    // A further key stroke removes the explanation.
    write("countess");
    expect(alerts()).toEqual([]);
    expect(field().getAttribute("aria-invalid")).toBe("false");
  });

  test("is taken without the white space around it, and the dialog closes", () => {
    const { identity } = open();
    const shown = dialog();
    write(" countess ");
    fireEvent.click(change());
    expect(identity.getMe().username).toBe("countess");
    expect(shown.open).toBe(false);
  });

  test("that is the same cannot be sent", () => {
    open();
    expect(change().disabled).toBe(true);
    write(" ada ");
    expect(change().disabled).toBe(true);
    write("ada2");
    expect(change().disabled).toBe(false);
  });
});

test("P11 the name that our account gives us cannot be changed", () => {
  const { identity } = open();
  act(() => void identity.welcomed(welcome("u1", { user: { id: "u1", guest: false, name: "Ada" } })));
  const field = within(dialog()).getByRole<HTMLInputElement>("textbox", { name: "Your name" });
  expect([field.value, field.readOnly]).toEqual(["Ada", true]);
  expect(within(dialog()).queryByRole("button", { name: "Change" })).toBeNull();
});

test("the settings say which version this is", () => {
  vi.stubEnv("NEXT_PUBLIC_VERSION", "1.2.3");
  open();
  within(dialog()).getByText("Version 1.2.3");
  vi.unstubAllEnvs();
});
