import { useEffect, useEffectEvent } from "react";

/**
 * A chord is a key with its modifiers, as in "Shift+Enter". Mod is ⌘ on an Apple device and Ctrl elsewhere. A character
 * is written as it arrives, whatever makes it: "/" needs Shift on many keyboards. No character is a chord alone: whoever
 * speaks to the computer would press it by chance (WCAG 2.1.4).
 */
export interface Shortcut {
  /** Each of these chords does the same. */
  readonly chords: readonly string[];
  /** What it does, for the help sheet. */
  readonly words: string;
  readonly group: "Everywhere" | "In the list of messages" | "While you write";
}

/**
 * Every shortcut of the page, in the order of the help sheet. Handlers ask isPressed() or useShortcut(), and the sheet
 * shows the same entries, so that it cannot be out of date.
 */
export const shortcuts = {
  help: { chords: ["Mod+/"], words: "Show these shortcuts", group: "Everywhere" },
  search: { chords: ["Mod+F"], words: "Search this room; twice: search the page", group: "Everywhere" },
  day: { chords: ["Mod+J"], words: "Go to a day", group: "Everywhere" },
  pageUp: { chords: ["PageUp", "Shift+Space"], words: "Scroll up by a page", group: "In the list of messages" },
  pageDown: { chords: ["PageDown", "Space"], words: "Scroll down by a page", group: "In the list of messages" },
  begin: { chords: ["Home", "Ctrl+Home", "Meta+ArrowUp"], words: "Go to the oldest", group: "In the list of messages" },
  end: { chords: ["End", "Ctrl+End", "Meta+ArrowDown"], words: "Go to the newest", group: "In the list of messages" },
  up: { chords: ["ArrowUp"], words: "Scroll up, or go to the link above", group: "In the list of messages" },
  down: { chords: ["ArrowDown"], words: "Scroll down, or go to the link below", group: "In the list of messages" },
  menu: { chords: ["Shift+F10", "ContextMenu"], words: "Open the menu of a message", group: "In the list of messages" },
  aside: {
    chords: ["ArrowLeft", "ArrowRight"],
    words: "Go between the links of a message and its menu",
    group: "In the list of messages",
  },
  send: { chords: ["Enter", "Ctrl+Enter", "Meta+Enter"], words: "Send", group: "While you write" },
  complete: { chords: ["Tab"], words: "Complete the name behind an @, like Enter", group: "While you write" },
  newLine: { chords: ["Shift+Enter"], words: "Start a new line", group: "While you write" },
} as const satisfies Record<string, Shortcut>;

export type ShortcutName = keyof typeof shortcuts;

/** The part of a keyboard event that makes a chord. */
export type Keys = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

export function isApple(): boolean {
  return /^(Mac|iP)/.test(globalThis.navigator?.platform ?? "");
}

/** The chords of a shortcut on this device. */
export function chordsOf({ chords }: Shortcut, apple = isApple()): string[] {
  const here = chords.map((chord) => chord.replace("Mod+", apple ? "Meta+" : "Ctrl+"));
  return here.filter((chord) => apple || !chord.startsWith("Meta+"));
}

/** Whether the keys are a shortcut, on whatever device: a keyboard may be of another kind than the device. */
export function isPressed(name: ShortcutName, keys: Keys): boolean {
  const chord = chordOf(keys);
  const { chords }: Shortcut = shortcuts[name];
  return chords.some((known) => known.replace("Mod+", isApple() ? "Meta+" : "Ctrl+") === chord);
}

function chordOf({ key, shiftKey, ctrlKey, metaKey, altKey }: Keys): string {
  // AltGr makes characters, and reports Ctrl and Alt.
  const writes = isCharacter(key) && ctrlKey === altKey && !metaKey;
  if (writes) return key;
  const hasShift = shiftKey && !(isCharacter(key) && key.toLowerCase() === key.toUpperCase());
  const modifiers = [ctrlKey && "Ctrl", metaKey && "Meta", altKey && "Alt", hasShift && "Shift"];
  return [...modifiers.filter(Boolean), keyName(key)].join("+");
}

function isCharacter(key: string): boolean {
  return key !== " " && Array.from(key).length === 1;
}

function keyName(key: string): string {
  if (key === " ") return "Space";
  return isCharacter(key) ? key.toUpperCase() : key;
}

/** useShortcut acts when the keys are pressed anywhere in the page, except behind an open dialog. */
export function useShortcut(name: ShortcutName, act: () => void): void {
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || !isPressed(name, event)) return;
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    act();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => pressed(event);
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, []);
}
