"use client";

import buttons from "./buttons.module.css";
import { Notice } from "./Notice";

/**
 * Shown when rendering fails: an extension or a translator may have moved React's nodes. The chat lives outside React,
 * and the outbox and the draft are in the storage of this tab.
 */
export function Broken() {
  return (
    <Notice
      role="alert"
      title="This page stopped working."
      words="Something in your browser, such as an extension, may have changed it. What you wrote is kept."
    >
      <button type="button" className={buttons.primary} onClick={() => location.reload()}>
        Reload
      </button>
    </Notice>
  );
}
