"use client";

import type { MouseEvent, ReactNode } from "react";
import { roomAddress } from "@/rooms/address";
import type { RoomName } from "@/wire/rooms";
import { useRooms } from "./context";

interface Props {
  name: RoomName;
  className?: string | undefined;
  current?: boolean;
  /** Called after a click that shows the room on this page. */
  followed?: (() => void) | undefined;
  children: ReactNode;
}

/** A link to a room. The browser handles clicks that open a tab or a window of their own. */
export function RoomLink({ name, className, current = false, followed, children }: Props) {
  const rooms = useRooms();
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    rooms.show(name);
    followed?.();
  };
  return (
    <a href={roomAddress(name)} className={className} aria-current={current ? "page" : undefined} onClick={follow}>
      {children}
    </a>
  );
}
