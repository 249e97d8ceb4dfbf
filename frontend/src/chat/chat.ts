import { attend } from "@/attention/attend";
import { Preferences } from "@/attention/preferences";
import { type Look, storedLook } from "@/browser/look";
import { type Memory, storageMemory } from "@/browser/memory";
import type { Stored } from "@/browser/stored";
import { Connector } from "@/connection/connector";
import { socketLink } from "@/connection/socketlink";
import { Hidden } from "@/people/hidden";
import { Identity } from "@/people/identity";
import { Listing } from "@/rooms/listing";
import { type Page, Rooms } from "@/rooms/rooms";
import { serverUrl } from "./serverurl";

/** Everything that the page shows and changes. */
export interface Chat {
  connector: Connector;
  rooms: Rooms;
  listing: Listing;
  identity: Identity;
  hidden: Hidden;
  preferences: Preferences;
  look: Stored<Look>;
}

// The build of the pages reads it, too, so that a build without an address fails.
const url = serverUrl(process.env.NEXT_PUBLIC_SERVER_URL, process.env.NODE_ENV === "production");

let chat: Chat | undefined;

/** The one chat of this page, however often React mounts. It begins with the first call and ends with the page. */
export function getChat(): Chat {
  chat ??= typeof window === "undefined" ? silentChat() : openChat();
  return chat;
}

/** The chat while the pages are built: there is no server to talk to. */
function silentChat(): Chat {
  const memory = { get: () => null, set() {}, remove() {} };
  const none = () => Promise.resolve(undefined);
  const room = () => ({ enter() {}, leave() {}, typing() {}, send: none, history: none, people: none });
  const link = { connect() {}, close() {}, alive: async () => false, room };
  const connector = new Connector(
    () => link,
    () => false,
  );
  const page = { query: () => "", push() {}, replace() {} };
  return assembled(connector, new Identity(memory, memory), memory, memory, page);
}

function openChat(): Chat {
  const browser = storageMemory(() => window.localStorage);
  const tab = storageMemory(() => window.sessionStorage);
  const identity = new Identity(browser, tab);
  const connector = new Connector(
    (listener) => socketLink(url, identity, listener),
    () => navigator.onLine,
  );
  const page = {
    query: () => window.location.search,
    push: (address: string) => window.history.pushState(null, "", address),
    replace: (address: string) => window.history.replaceState(null, "", address),
  };
  const opened = assembled(connector, identity, browser, tab, page);
  followPage(opened);
  attend(opened);
  return opened;
}

function assembled(connector: Connector, identity: Identity, browser: Memory, tab: Memory, page: Page): Chat {
  const hidden = new Hidden(browser);
  const rooms = new Rooms({ connector, tab, browser, page, identity, hidden });
  const listing = new Listing(url, (address, init) => fetch(address, init));
  return {
    connector,
    rooms,
    listing,
    identity,
    hidden,
    preferences: new Preferences(browser),
    look: storedLook(browser),
  };
}

/** A page that is shown again or has its network back does not wait for the next attempt. */
function followPage({ connector, rooms, identity, hidden, look }: Chat): void {
  window.addEventListener("online", () => connector.networkChanged());
  window.addEventListener("offline", () => connector.networkChanged());
  window.addEventListener("pageshow", () => connector.pageShown());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") connector.pageShown();
  });
  window.addEventListener("popstate", () => rooms.addressChanged());
  window.addEventListener("storage", () => {
    rooms.rereadPlaces();
    hidden.reread();
    look.reread();
  });
  hidden.subscribe(() => rooms.recount());
  const openRemembered = () => {
    if (identity.getMe().username !== null) rooms.openRemembered();
  };
  identity.subscribe(openRemembered);
  openRemembered();
}
