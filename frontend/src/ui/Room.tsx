"use client";

import { type RefObject, useEffect, useRef, useState } from "react";
import { Announcer } from "./Announcer";
import { Banner } from "./Banner";
import { Composer } from "./Composer";
import { RoomProvider, useAdmission, useLook, useMayWrite, useRoomsState, useStore } from "./context";
import { Drawer } from "./Drawer";
import { Header } from "./Header";
import { MentionNames } from "./Mentionable";
import { MessageList } from "./MessageList";
import { useNarrow, useWide } from "./media";
import { People } from "./People";
import { ReadOnly } from "./ReadOnly";
import { Refused } from "./Refused";
import styles from "./Room.module.css";
import { RoomList } from "./RoomList";
import { useSearchAsking } from "./searchasking";
import { TypingLine } from "./TypingLine";
import { roomWords } from "./words";

/** The second screen: the rooms, and the messages of one of them with an input. */
export function Room({ username }: { username: string }) {
  const screen = useRef<HTMLElement>(null);
  const narrow = useNarrow();
  const [listsRooms, setListsRooms] = useState(false);
  const { shown } = useRoomsState();
  const [first] = useState(shown);
  const [moved, setMoved] = useState(false);
  if (shown !== first && !moved) setMoved(true);
  useVisibleHeight(screen);
  return (
    <main ref={screen} className={styles.screen} data-screen="room">
      <div className={styles.card}>
        {!narrow && <RoomList />}
        {narrow && listsRooms && (
          <Drawer label="Rooms" side="start" closed={() => setListsRooms(false)}>
            {(close) => <RoomList chosen={close} />}
          </Drawer>
        )}
        <RoomProvider key={shown?.name} room={shown}>
          <Panel username={username} moved={moved} openRooms={narrow ? () => setListsRooms(true) : undefined} />
        </RoomProvider>
      </div>
    </main>
  );
}

interface PanelProps {
  username: string;
  /** Whether the person came here from another room. */
  moved: boolean;
  openRooms: (() => void) | undefined;
}

function Panel({ username, moved, openRooms }: PanelProps) {
  const { name } = useStore();
  const admission = useAdmission();
  const refused = typeof admission === "object";
  const search = useSearchAsking(!refused);
  const mayWrite = useMayWrite();
  const wide = useWide();
  const [listsPeople, setListsPeople] = useState(false);
  const [{ withoutPeople = false }, look] = useLook();
  const people = wide
    ? { shown: !withoutPeople, toggle: () => look.set({ withoutPeople: !withoutPeople }) }
    : { open: () => setListsPeople(true) };
  return (
    <>
      <section className={styles.room} aria-label={roomWords(name)}>
        <Header
          username={username}
          moved={moved}
          openRooms={openRooms}
          people={refused ? undefined : people}
          search={refused ? undefined : search.open}
        />
        <Banner />
        {typeof admission === "object" ? (
          <Refused why={admission.refused} />
        ) : (
          <MentionNames>
            <MessageList search={search} />
            <TypingLine />
            {mayWrite ? <Composer username={username} moved={moved} /> : <ReadOnly />}
          </MentionNames>
        )}
        <Announcer />
      </section>
      {wide && !withoutPeople && !refused && <People />}
      {!wide && listsPeople && !refused && (
        <Drawer label="People" side="end" closed={() => setListsPeople(false)}>
          {() => <People />}
        </Drawer>
      )}
    </>
  );
}

/** An iPhone's keyboard covers the page; only the visual viewport knows the height that is left. */
function useVisibleHeight(screen: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const visible = window.visualViewport;
    if (!visible) return;
    const adapt = () => {
      if (visible.scale !== 1) return; // zoomed: not a keyboard
      screen.current?.style.setProperty("--visible", `${visible.height}px`);
      window.scrollTo(0, 0);
    };
    adapt();
    visible.addEventListener("resize", adapt);
    return () => visible.removeEventListener("resize", adapt);
  }, [screen]);
}
