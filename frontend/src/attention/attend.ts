import { isSeen, watchSeen } from "@/browser/seen";
import { type Identity, isMine } from "@/people/identity";
import type { countMentions } from "@/room/mentioned";
import type { RoomStore } from "@/room/store";
import type { Rooms } from "@/rooms/rooms";
import type { PlacedMessage } from "@/wire/contract";
import { showNotification } from "./notifications";
import type { About, Preferences } from "./preferences";
import { playChime } from "./sound";
import { Tabs } from "./tabs";
import { pageTitle } from "./title";

interface Attended {
  rooms: Rooms;
  identity: Identity;
  preferences: Preferences;
}

/**
 * attend draws attention to new messages: a count in the title, and the chosen signals while the page is not seen. What
 * is new in the shown room of a page that is seen is not counted.
 */
export function attend({ rooms, identity, preferences }: Attended): void {
  const tabs = new Tabs(navigator.locks);
  const hear = (room: RoomStore, news: readonly PlacedMessage[]) => {
    const me = identity.getMe();
    if (me.username === null || isSeen()) return;
    const others = news.filter((message) => !isMine(me, message));
    if (others.length > 0) speak(room, others, me.username).catch(() => {}); // the line broke while the words were loaded
  };
  const speak = async (room: RoomStore, others: readonly PlacedMessage[], username: string) => {
    const { about, sound, notify } = preferences.getWishes();
    if ((!sound && !notify) || !(await tabs.maySpeak())) return;
    const { headline, wantedNews } = await import("./news");
    const words = headline(room.name, wantedNews(room, others, about, username));
    if (!words) return;
    if (sound) void playChime();
    if (notify) showNotification(words, () => rooms.show(room.name));
  };
  // A tab that still asks for a name stays silent. As the speaker it would silence the other tabs.
  const runForSpeaker = () => {
    if (identity.getMe().username !== null) tabs.runForSpeaker();
  };
  tabs.setSeen(isSeen());
  watchSeen(() => tabs.setSeen(isSeen()));
  runForSpeaker();
  identity.subscribe(runForSpeaker);
  window.addEventListener("storage", () => preferences.reread());
  rooms.onNews(hear);
  keepTitle({ rooms, identity, preferences });
}

function keepTitle({ rooms, identity, preferences }: Attended): void {
  const counts = new Counts(() => keep());
  const keep = () => {
    const { shown } = rooms.getState();
    const { username } = identity.getMe();
    const { about } = preferences.getWishes();
    const unread =
      username === null ? 0 : rooms.unreadBut(isSeen() ? shown : undefined, (room) => counts.of(room, about, username));
    const title = pageTitle(unread, shown?.name);
    if (document.title !== title) document.title = title;
  };
  keep();
  rooms.watch(keep);
  identity.subscribe(keep);
  preferences.subscribe(keep);
  watchSeen(keep);
}

/** Counts counts unread messages. What finds mentions is loaded when somebody wishes to hear of them alone. */
class Counts {
  readonly #loaded: () => void;
  #mentions: typeof countMentions | undefined;
  #loading = false;

  constructor(loaded: () => void) {
    this.#loaded = loaded;
  }

  of(room: RoomStore, about: About, username: string): number {
    if (about === "none") return 0;
    if (about === "all") return room.getState().unread;
    if (!this.#mentions && !this.#loading) void this.#load();
    return this.#mentions?.(room, username) ?? 0;
  }

  async #load(): Promise<void> {
    this.#loading = true;
    try {
      this.#mentions = (await import("@/room/mentioned")).countMentions;
      this.#loaded();
    } catch {
      // The next change of a room tries again.
    } finally {
      this.#loading = false;
    }
  }
}
