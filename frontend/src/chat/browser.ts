import { attend } from "./attend";
import { Identity } from "./identity";
import { storageMemory } from "./memory";
import { Preferences } from "./preferences";
import { serverUrl } from "./serverurl";
import { socketLink } from "./socketlink";
import { ChatStore } from "./store";

export interface Chat {
  store: ChatStore;
  identity: Identity;
  preferences: Preferences;
}

// Read while the pages are built, too, so that a build without an address fails.
const url = serverUrl(process.env.NEXT_PUBLIC_SERVER_URL, process.env.NODE_ENV === "production");

let chat: Chat | undefined;

/** The chat of this page. It begins with the first call and ends with the page; however often React mounts, it is one. */
export function getChat(): Chat {
  chat ??= typeof window === "undefined" ? silentChat() : openChat();
  return chat;
}

/** While pages are built there is nobody to talk to. */
function silentChat(): Chat {
  const memory = { get: () => null, set: () => {} };
  const none = () => Promise.resolve(undefined);
  const link = { connect() {}, close() {}, typing() {}, send: none, history: none, alive: async () => false };
  const store = new ChatStore({ openLink: () => link, memory, newId: () => "", hasNetwork: () => false });
  return { store, identity: new Identity(memory, memory), preferences: new Preferences(memory) };
}

function openChat(): Chat {
  const browser = storageMemory(() => window.localStorage);
  const tab = storageMemory(() => window.sessionStorage);
  const identity = new Identity(browser, tab);
  const store = new ChatStore({
    openLink: (listener) => socketLink(url, listener),
    memory: tab,
    newId: identity.newId,
    hasNetwork: () => navigator.onLine,
  });
  const opened = { store, identity, preferences: new Preferences(browser) };
  followPage(store);
  attend(opened);
  return opened;
}

/** A page that is seen again, or that has its network back, does not wait for its turn. */
function followPage(store: ChatStore): void {
  window.addEventListener("online", () => store.networkChanged());
  window.addEventListener("offline", () => store.networkChanged());
  window.addEventListener("pageshow", () => store.seenAgain());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") store.seenAgain();
  });
}
