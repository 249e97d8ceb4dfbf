import { type Identity, isMine } from "@/people/identity";
import type { RoomStore } from "@/room/store";
import type { PlacedMessage } from "@/wire/contract";
import { attention, pageTitle } from "./news";
import { showNotification } from "./notifications";
import type { Preferences } from "./preferences";
import { playChime } from "./sound";
import { Tabs } from "./tabs";

/** Whether the person looks at the page. A visible window beside the one they work in does not count. */
function isSeen(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

interface Attended {
  store: RoomStore;
  identity: Identity;
  preferences: Preferences;
}

/** attend draws attention to new messages while the page is not seen: a count in the title, and the chosen signals. */
export function attend({ store, identity, preferences }: Attended): void {
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
  // A tab that still asks for a name stays silent. As the speaker it would silence the other tabs.
  const runForSpeaker = () => {
    if (identity.getMe().username !== null) tabs.runForSpeaker();
  };
  look();
  runForSpeaker();
  identity.subscribe(runForSpeaker);
  document.addEventListener("visibilitychange", look);
  for (const change of ["focus", "blur"]) window.addEventListener(change, look);
  window.addEventListener("storage", () => preferences.reread());
  store.onNews(hear);
}
