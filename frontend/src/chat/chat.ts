import { attend } from "@/attention/attend";
import { Preferences } from "@/attention/preferences";
import { storageMemory } from "@/browser/memory";
import { Connector } from "@/connection/connector";
import { socketLink } from "@/connection/socketlink";
import { Identity } from "@/people/identity";
import { RoomStore } from "@/room/store";
import { serverUrl } from "./serverurl";

/** Everything that the page shows and changes. */
export interface Chat {
  connector: Connector;
  store: RoomStore;
  identity: Identity;
  preferences: Preferences;
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
  const memory = { get: () => null, set: () => {} };
  const none = () => Promise.resolve(undefined);
  const link = { connect() {}, close() {}, typing() {}, send: none, history: none, alive: async () => false };
  const connector = new Connector(
    () => link,
    () => false,
  );
  const store = new RoomStore({ connector, memory, newId: () => "" });
  return { connector, store, identity: new Identity(memory, memory), preferences: new Preferences(memory) };
}

function openChat(): Chat {
  const browser = storageMemory(() => window.localStorage);
  const tab = storageMemory(() => window.sessionStorage);
  const identity = new Identity(browser, tab);
  const connector = new Connector(
    (listener) => socketLink(url, listener),
    () => navigator.onLine,
  );
  const store = new RoomStore({ connector, memory: tab, newId: identity.newId });
  const opened = { connector, store, identity, preferences: new Preferences(browser) };
  followPage(connector);
  attend(opened);
  return opened;
}

/** A page that is shown again or has its network back does not wait for the next attempt. */
function followPage(connector: Connector): void {
  window.addEventListener("online", () => connector.networkChanged());
  window.addEventListener("offline", () => connector.networkChanged());
  window.addEventListener("pageshow", () => connector.pageShown());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") connector.pageShown();
  });
}
