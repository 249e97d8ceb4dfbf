"use client";

import { createContext, type ReactNode, useMemo, useState } from "react";
import type { Named } from "@/people/typists";
import { KnownNames } from "@/room/known";
import { type Names, noNames } from "@/text/mentions";
import { useMe, useRoomState } from "./context";

interface Known {
  readonly names: Names;
  /** The authors of all that was shown, each with each of their names. */
  readonly authors: readonly Named[];
  /** The name of the one who reads. */
  readonly username: string | null;
}

/** Who is known in the room. Few ask: texts with an @, the input, and the line of those who type. */
export const Mentionable = createContext<Known>({ names: noNames, authors: [], username: null });

export function MentionNames({ children }: { children: ReactNode }) {
  const timeline = useRoomState((state) => state.timeline);
  const past = useRoomState((state) => state.past);
  const present = useRoomState((state) => state.present);
  const { username } = useMe();
  const [known] = useState(() => new KnownNames());
  const names = known.update({ timeline, past, present }, username);
  const { authors } = known;
  const value = useMemo(() => ({ names, authors, username }), [names, authors, username]);
  return <Mentionable value={value}>{children}</Mentionable>;
}
