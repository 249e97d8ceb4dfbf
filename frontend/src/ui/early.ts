/** What a person did before the page came alive. */
export interface Early {
  /** What they typed into the form, or sent; null if nothing. */
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
 * Runs before the first paint. Over a slow line the form is seen seconds before the page comes alive; sent by then, it would
 * load the page again and forget the name. A tab that has joined already does not show the form: see globals.css.
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

/** Whoever takes it answers for all that comes from then on. The second time there is nothing. */
export function takeEarly(): Early {
  const { chatEarly } = window;
  if (!chatEarly) return { typed: null, entered: false };
  chatEarly.end();
  delete window.chatEarly;
  return chatEarly;
}
