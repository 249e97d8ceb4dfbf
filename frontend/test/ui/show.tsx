import { act, fireEvent, render, screen } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { Preferences } from "@/attention/preferences";
import { storedLook } from "@/browser/look";
import { Hidden } from "@/people/hidden";
import { Identity } from "@/people/identity";
import type { RoomStore } from "@/room/store";
import { Listing } from "@/rooms/listing";
import { Rooms } from "@/rooms/rooms";
import { ChatProvider, RoomProvider, useRoomsState } from "@/ui/context";
import { FakeMemory, openConnector } from "../fakelink";

/** The chat of a page at an address, over a link of the test. */
export function openChat({ query = "", memory = new FakeMemory(), browser = new FakeMemory() } = {}) {
  const { connector, link } = openConnector();
  const identity = new Identity(browser, memory);
  const preferences = new Preferences(new FakeMemory());
  const look = storedLook(browser);
  const visited = [query];
  const page = {
    query: () => visited.at(-1) ?? "",
    push: (address: string) => void visited.push(address.slice(1)),
    replace: (address: string) => void visited.splice(-1, 1, address.slice(1)),
  };
  let ids = 0;
  const self = { getMe: identity.getMe, newId: () => `me-${ids++}` };
  const hidden = new Hidden(browser);
  const rooms = new Rooms({ connector, tab: memory, browser, page, identity: self, hidden });
  const listing = new Listing("http://chat.test", async () => ({ ok: false, json: async () => undefined }));
  return { chat: { connector, rooms, listing, identity, hidden, preferences, look }, link, visited, memory, browser };
}

export function show(children: ReactNode, opened = openChat()) {
  const { chat, link, visited } = opened;
  const view = render(
    <StrictMode>
      <ChatProvider chat={chat}>
        <Shown>{children}</Shown>
      </ChatProvider>
    </StrictMode>,
  );
  return { ...chat, store: chat.rooms.getState().shown as RoomStore, link, visited, ...view };
}

function Shown({ children }: { children: ReactNode }) {
  return <RoomProvider room={useRoomsState().shown}>{children}</RoomProvider>;
}

export function live(children: ReactNode) {
  const shown = show(children);
  act(() => shown.link.accept());
  return shown;
}

export const input = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
export const write = (value: string) => fireEvent.change(input(), { target: { value } });
