// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { getChat } from "@/chat/chat";
import { ChatApp } from "@/ui/ChatApp";

const sockets = vi.hoisted(() => ({ made: [] as { connects: number; active: boolean }[] }));

/** The part of the stock client that is needed to count connections. Nobody answers. */
vi.mock("socket.io-client", () => ({
  io: () => {
    const socket = { connects: 0, active: false, connected: false, on() {}, disconnect() {} };
    sockets.made.push(socket);
    // Never `active`, so that a second call counts.
    return Object.assign(socket, { connect: () => void socket.connects++ });
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
  expect(sockets.made.map(({ connects }) => connects)).toEqual([1]);
});
