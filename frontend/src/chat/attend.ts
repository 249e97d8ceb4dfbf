import type { PlacedMessage } from "@/wire/contract";
import type { Chat } from "./browser";
import { isMine } from "./identity";
import { attention, pageTitle } from "./news";
import { playChime } from "./sound";
import { Tabs } from "./tabs";

/**
 * Whether the person looks at the page. A window that lies beside the one they work in can be seen, and is not what they
 * look at.
 */
function isSeen(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** attend makes the page heard while it is not seen: the count in the title, and what the person wished for. */
export function attend({ store, identity, preferences }: Chat): void {
  const tabs = new Tabs(navigator.locks);
  let unread = 0;
  const look = () => {
    const seen = isSeen();
    tabs.setSeen(seen);
    if (seen) {
      unread = 0;
      document.title = pageTitle(0);
    }
  };
  const hear = (news: readonly PlacedMessage[]) => {
    const me = identity.getMe();
    if (me.username === null || isSeen()) return;
    const { unread: more, headline } = attention(news.filter((message) => !isMine(me, message)));
    unread += more;
    document.title = pageTitle(unread);
    if (headline) void speak(headline);
  };
  const speak = async (headline: { title: string; body: string }) => {
    const { sound, notify } = preferences.getWishes();
    if ((!sound && !notify) || !(await tabs.maySpeak())) return;
    if (sound) void playChime();
    if (notify) showNotification(headline);
  };
  // A tab that still asks for a name would keep silent, and the others with it.
  const stand = () => {
    if (identity.getMe().username !== null) tabs.stand();
  };
  look();
  stand();
  identity.subscribe(stand);
  document.addEventListener("visibilitychange", look);
  for (const change of ["focus", "blur"]) window.addEventListener(change, look);
  window.addEventListener("storage", () => preferences.reread());
  store.onNews(hear);
}

/** Dismissed: the person did not choose, and may be asked again. */
export type Permission = "granted" | "denied" | "dismissed" | "unsupported";

/**
 * Asks the person, through the browser, if they were not asked before, and shows what a notification looks like. Call it
 * from a click.
 */
export async function askToNotify(): Promise<Permission> {
  if (typeof Notification === "undefined") return "unsupported";
  const permission = await Notification.requestPermission().catch(() => "denied" as const);
  if (permission !== "granted") return permission === "default" ? "dismissed" : "denied";
  return showNotification({ title: "Chat", body: "New messages are shown like this." }) ? "granted" : "unsupported";
}

/** Whether a notification would be shown: what was allowed may have been withdrawn. */
export function mayNotify(): boolean {
  return typeof Notification !== "undefined" && Notification.permission === "granted";
}

/** Reports whether it could. */
function showNotification({ title, body }: { title: string; body: string }): boolean {
  try {
    // One at a time: the next takes the place of the last, and is told like the first.
    const options: NotificationOptions & { renotify: boolean } = {
      body,
      tag: "chat",
      renotify: true,
      icon: "/icon.svg",
    };
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
    return true;
  } catch {
    return false; // Some phones only let a service worker do this.
  }
}
