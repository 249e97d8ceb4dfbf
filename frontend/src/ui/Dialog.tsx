"use client";

import { type ReactNode, type RefObject, useId } from "react";
import styles from "./Dialog.module.css";

interface Props {
  ref: RefObject<HTMLDialogElement | null>;
  title: string;
  /** Called when it was closed, however that happened. */
  closed?: () => void;
  children: ReactNode;
}

/** A dialog over the page. Its cross closes it, and so do Escape and a press outside. */
export function Dialog({ ref, title, closed, children }: Props) {
  const titleId = useId();
  const close = () => ref.current?.close();
  return (
    <dialog
      ref={ref}
      className={styles.dialog}
      aria-labelledby={titleId}
      // A press that begins inside selects text.
      onPointerDown={(event) => event.target === event.currentTarget && close()}
      onClose={closed}
    >
      <div className={styles.body}>
        <h2 id={titleId}>{title}</h2>
        {children}
        {/* The last in order: a dialog is opened for what is in it, and its first element gets the focus. */}
        <button type="button" className={styles.close} aria-label="Close" title="Close" onClick={close}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="m4 4 8 8m0-8-8 8" />
          </svg>
        </button>
      </div>
    </dialog>
  );
}
