import { isSeen, watchSeen } from "@/browser/seen";
import { type Identity, isMine } from "@/people/identity";
import type { RoomStore } from "@/room/store";
import type { Rooms } from "@/rooms/rooms";
import type { PlacedMessage } from "@/wire/contract";
import { type Headline, headline, pageTitle } from "./news";
import { showNotification } from "./notifications";
import type { Preferences } from "./preferences";
import { playChime } from "./sound";
import { Tabs } from "./tabs";

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
    const words = headline(
      room.name,
      news.filter((message) => !isMine(me, message)),
    );
    if (words) void speak(room, words);
  };
  const speak = async (room: RoomStore, words: Headline) => {
    const { sound, notify } = preferences.getWishes();
    if ((!sound && !notify) || !(await tabs.maySpeak())) return;
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
  keepTitle(rooms, identity);
}

function keepTitle(rooms: Rooms, identity: Identity): void {
  const keep = () => {
    const { shown } = rooms.getState();
    const unread = identity.getMe().username === null ? 0 : rooms.unreadBut(isSeen() ? shown : undefined);
    const title = pageTitle(unread, shown?.name);
    if (document.title !== title) document.title = title;
  };
  keep();
  rooms.watch(keep);
  identity.subscribe(keep);
  watchSeen(keep);
}
