"use client";

import { Notice } from "./Notice";

/**
 * What is shown when drawing the page failed: an extension or a translator may have moved what React drew. The chat itself
 * lives outside React, and what was written is in the storage of this tab.
 */
export function Broken() {
  return (
    <Notice
      role="alert"
      title="This page stopped working."
      words="Something in your browser, such as an extension, may have changed it. What you wrote is kept."
    >
      <button type="button" onClick={() => location.reload()}>
        Reload
      </button>
    </Notice>
  );
}
