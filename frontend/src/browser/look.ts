import type { Memory } from "./memory";
import { Stored } from "./stored";

export const themes = ["system", "light", "dark"] as const;
/** The sizes of text, in percent of the browser's own. */
export const textSizes = [87, 100, 115, 130] as const;

/** How the page looks in this browser. */
export interface Look {
  readonly theme: (typeof themes)[number];
  readonly size: (typeof textSizes)[number];
  /** The list of people is not wanted beside the messages. */
  readonly withoutPeople?: boolean;
}

export const usualLook: Look = { theme: "system", size: 100 };

declare global {
  interface Window {
    chatLook?: (look: Partial<Look> | null) => void;
  }
}

/**
 * Runs before the first paint, so that a chosen theme does not flash, and offers what it does for later changes. Style
 * sheets do the rest, and know nothing of values that another version stored.
 */
export const lookScript = `(() => {
  window.chatLook = (look) => {
    const { theme = "system", size = 100 } = look ?? {};
    Object.assign(document.documentElement.dataset, { theme, size });
    for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
      const scheme = (meta.dataset.scheme ??= meta.getAttribute("media").includes("dark") ? "dark" : "light");
      const chosen = theme === "light" || theme === "dark";
      const media = theme === scheme ? "all" : "not all";
      meta.setAttribute("media", chosen ? media : "(prefers-color-scheme: " + scheme + ")");
    }
  };
  try {
    chatLook(JSON.parse(localStorage.getItem("chat.look")));
  } catch {}
})()`;

/** The look that this browser stores. Whoever changes it sees it change, in each tab. */
export function storedLook(browser: Memory): Stored<Look> {
  const look = new Stored(browser, "chat.look", readLook);
  const apply = () => globalThis.window?.chatLook?.(look.get());
  apply(); // another tab may have changed it since the first paint
  look.subscribe(apply);
  return look;
}

function readLook(text: string | null): Look {
  try {
    const stored = JSON.parse(text ?? "{}") as Record<string, unknown>;
    return {
      theme: themes.find((theme) => theme === stored.theme) ?? usualLook.theme,
      size: textSizes.find((size) => size === stored.size) ?? usualLook.size,
      ...(stored.withoutPeople === true && { withoutPeople: true }),
    };
  } catch {
    return usualLook;
  }
}
