"use client";

import { lazy, Suspense, useEffect } from "react";
import { keepForOffline } from "@/browser/offline";
import { siteName } from "@/browser/sitename";
import { getChat } from "@/chat/chat";
import { Aurora } from "./Aurora";
import { ChatProvider, RoomProvider, useMe, useRoomsState, useStateOf } from "./context";
import { FileNotice } from "./FileNotice";
import { NameForm } from "./NameForm";
import { NoRoom } from "./NoRoom";
import styles from "./Room.module.css";
import { SignIn } from "./SignIn";
import { needsSignIn } from "./words";

const triesForRoom = 20;
const pauseMs = 1500;

/**
 * The form is small and loads first; the room loads while a name is typed. Failed loads are retried, because the line
 * may break just then. Files that are gone, because the site was built anew, fail in the end.
 */
async function loadRoom() {
  for (let tries = 1; ; tries++) {
    try {
      return { default: (await import("./Room")).Room };
    } catch (error) {
      if (tries === triesForRoom) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

const Room = lazy(loadRoom);

export function ChatApp() {
  useEffect(() => {
    // The worker loads everything, so it waits for the room. A failure is reported when the room is rendered.
    loadRoom().then(keepForOffline, () => {});
  }, []);
  return (
    <ChatProvider chat={getChat()}>
      <Aurora />
      <Screen />
      <FileNotice />
    </ChatProvider>
  );
}

export function Screen() {
  const { username } = useMe();
  const { wanted, shown } = useRoomsState();
  const admission = useStateOf(shown, (state) => state.admission);
  if ("invalid" in wanted) return <NoRoom />;
  if (typeof admission === "object" && needsSignIn(admission.refused)) return <SignIn why={admission.refused} />;
  return (
    <RoomProvider room={shown}>
      {username === null ? (
        <NameForm />
      ) : (
        <Suspense fallback={<EmptyRoom />}>
          <Room username={username} />
        </Suspense>
      )}
    </RoomProvider>
  );
}

/** The frame of the room, so that nothing shifts when the room loads. */
function EmptyRoom() {
  return (
    <main className={styles.screen}>
      <section className={styles.card} aria-label={siteName} aria-busy="true" />
    </main>
  );
}
