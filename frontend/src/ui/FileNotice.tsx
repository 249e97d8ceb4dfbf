"use client";

import { useEffect, useState } from "react";
import styles from "./FileNotice.module.css";

const shownMs = 6000;

/**
 * Explains that files cannot be sent when somebody drops or pastes one. A browser would leave the page to open a
 * dropped file, and ignore a pasted one.
 */
export function FileNotice() {
  const [times, setTimes] = useState(0);
  const [shown, setShown] = useState(false);
  useEffect(() => watchFiles(() => setTimes((n) => n + 1)), []);
  useEffect(() => {
    if (times === 0) return;
    setShown(true);
    const timer = setTimeout(() => setShown(false), shownMs);
    return () => clearTimeout(timer);
  }, [times]);
  if (!shown) return null;
  return (
    <p key={times} className={styles.notice} role="alert">
      Files and pictures cannot be sent here, only text.
    </p>
  );
}

function watchFiles(refuse: () => void): () => void {
  const dragged = (event: DragEvent) => {
    if (!leavesPage(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = hasFiles(event.dataTransfer) ? "copy" : "none";
  };
  const dropped = (event: DragEvent) => {
    if (!leavesPage(event)) return;
    event.preventDefault();
    if (hasFiles(event.dataTransfer)) refuse();
  };
  const pasted = ({ clipboardData }: ClipboardEvent) => {
    // Text that is copied from a document comes with a picture of it.
    if (hasFiles(clipboardData) && !clipboardData?.types.includes("text/plain")) refuse();
  };
  const listeners = new AbortController();
  const { signal } = listeners;
  window.addEventListener("dragover", dragged, { signal });
  window.addEventListener("drop", dropped, { signal });
  window.addEventListener("paste", pasted, { signal });
  return () => listeners.abort();
}

/** Whether the browser would open what is dropped: a file anywhere, or an address outside the inputs. */
function leavesPage({ dataTransfer, target }: DragEvent): boolean {
  return hasFiles(dataTransfer) || !(target instanceof Element && target.closest("input, textarea"));
}

function hasFiles(data: DataTransfer | null): boolean {
  return data?.types.includes("Files") === true;
}
