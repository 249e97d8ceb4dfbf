"use client";

import type { RefObject } from "react";
import styles from "./Drawer.module.css";
import { RoomList } from "./RoomList";

/** The list of rooms on a narrow screen. A press outside closes it, and so does the choice of a room. */
export function Drawer({ ref }: { ref: RefObject<HTMLDialogElement | null> }) {
  const close = () => ref.current?.close();
  return (
    <dialog
      ref={ref}
      className={styles.drawer}
      aria-label="Rooms"
      onPointerDown={(event) => event.target === event.currentTarget && close()}
    >
      <div className={styles.body}>
        <RoomList chosen={close} />
        <button type="button" className={styles.close} onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}
