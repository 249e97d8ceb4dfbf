// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { getChat } from "@/chat/chat";
import { ChatApp } from "@/ui/ChatApp";

const made = vi.hoisted(() => ({ managers: [] as { opens: number; namespaces: string[] }[] }));

/** The part of the stock client that is needed to count connections. Nobody answers. */
vi.mock("socket.io-client", () => ({
  Manager: class {
    opens = 0;
    readonly namespaces: string[] = [];
    constructor() {
      made.managers.push(this);
    }
    on() {}
    open() {
      this.opens++;
    }
    socket(namespace: string) {
      this.namespaces.push(namespace);
      return { active: false, connected: false, on() {}, connect() {}, disconnect() {} };
    }
  },
}));

afterEach(cleanup);

const app = (
  <StrictMode>
    <ChatApp />
  </StrictMode>
);

test("pitfall 2: the page has one chat and makes one connection, however often React mounts it", () => {
  const { unmount } = render(app);
  expect(screen.getByRole("heading", { name: "Chat" })).toBeTruthy();
  const chat = getChat();
  unmount();
  render(app);
  expect(getChat()).toBe(chat);
  expect(made.managers.map(({ opens }) => opens)).toEqual([1]);
  expect(made.managers[0]?.namespaces).toEqual(["/"]);
});
