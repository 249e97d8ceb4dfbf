"use client";

import { createContext, type ReactNode, useMemo, useState } from "react";
import { KnownNames } from "@/room/known";
import { type Names, noNames } from "@/text/mentions";
import { useMe, useRoomState } from "./context";

interface Known {
  readonly names: Names;
  /** The name of the one who reads. */
  readonly username: string | null;
}

/** Whom the messages of the room may mention. Only texts with an @ ask. */
export const Mentionable = createContext<Known>({ names: noNames, username: null });

export function MentionNames({ children }: { children: ReactNode }) {
  const timeline = useRoomState((state) => state.timeline);
  const past = useRoomState((state) => state.past);
  const present = useRoomState((state) => state.present);
  const { username } = useMe();
  const [known] = useState(() => new KnownNames());
  const names = known.update({ timeline, past, present }, username);
  const value = useMemo(() => ({ names, username }), [names, username]);
  return <Mentionable value={value}>{children}</Mentionable>;
}
