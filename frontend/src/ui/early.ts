/** What a person did before hydration. */
export interface Early {
  /** The text that they typed or sent; null if none. */
  typed: string | null;
  /** Whether they sent the form. */
  entered: boolean;
}

declare global {
  interface Window {
    chatEarly?: Early & { end(): void };
  }
}

/**
 * Runs before the first paint. Over a slow line the form is visible seconds before hydration. Without this script,
 * sending the form then would load the page again and lose the name. A tab that has joined does not show the form: see
 * globals.css.
 */
export const earlyScript = `(() => {
  const { dataset } = document.documentElement;
  try {
    if (sessionStorage.getItem("chat.joined") !== null) {
      dataset.joined = "";
      return;
    }
  } catch {}
  const over = new AbortController();
  const early = { typed: null, entered: false, end() { over.abort(); delete dataset.entering; } };
  window.chatEarly = early;
  addEventListener("input", ({ target }) => { early.typed = target.value; }, over);
  addEventListener("submit", (event) => {
    event.preventDefault();
    early.typed = event.target.querySelector("input").value;
    early.entered = true;
    dataset.entering = "";
  }, over);
})()`;

/**
 * Returns the early input and ends its recording: from then on the caller handles input. A second call returns nothing.
 */
export function takeEarly(): Early {
  const { chatEarly } = window;
  if (!chatEarly) return { typed: null, entered: false };
  chatEarly.end();
  delete window.chatEarly;
  return chatEarly;
}
