"use client";

import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Drawer.module.css";

interface Props {
  label: string;
  side: "start" | "end";
  /** Called when it has closed. */
  closed(): void;
  /** What is in it; `close` closes it. */
  children: (close: () => void) => ReactNode;
}

/** A sheet at the side of a narrow screen, open while it is mounted. A press outside closes it. */
export function Drawer({ label, side, closed, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  // Whoever closes a dialog gives the focus back; one that is only unmounted does not.
  const close = () => ref.current?.close();
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog
      ref={ref}
      className={styles.drawer}
      data-side={side}
      aria-label={label}
      onClose={closed}
      onPointerDown={(event) => event.target === event.currentTarget && close()}
    >
      <div className={styles.body}>
        {children(close)}
        <button type="button" className={styles.close} onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}
