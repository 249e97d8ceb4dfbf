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

/** Whether a click on a link stays on this page: other clicks open a tab or a window. */
export function followsHere({ button, metaKey, ctrlKey, shiftKey, altKey }: MouseEvent): boolean {
  return button === 0 && !metaKey && !ctrlKey && !shiftKey && !altKey;
}

/** A link to a room. The browser handles clicks that open a tab or a window of their own. */
export function RoomLink({ name, className, current = false, followed, children }: Props) {
  const rooms = useRooms();
  const follow = (event: MouseEvent) => {
    if (!followsHere(event)) return;
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
