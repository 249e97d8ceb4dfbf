import { isPressed, type Keys, type ShortcutName } from "./shortcuts";

/** The move of the list for a key: to one of its ends, or by a share of its visible height. */
export type ScrollStep = "begin" | "end" | number;

const steps: readonly (readonly [ShortcutName, ScrollStep])[] = [
  ["begin", "begin"],
  ["end", "end"],
  ["pageUp", -0.9],
  ["pageDown", 0.9],
  ["up", -0.1],
  ["down", 0.1],
];

/** scrollStep maps the keys that scroll, as browsers do; undefined for any other key. */
export function scrollStep(keys: Keys): ScrollStep | undefined {
  return steps.find(([name]) => isPressed(name, keys))?.[1];
}

/** Whether a key writes or pastes, so that it belongs to the input. */
export function isWriting({ key, ctrlKey, metaKey, altKey }: Keys): boolean {
  if ((ctrlKey || metaKey) && !altKey) return key.toLowerCase() === "v";
  // AltGr writes, and reports Ctrl and Alt.
  if (ctrlKey !== altKey) return false;
  return key !== " " && (Array.from(key).length === 1 || key === "Dead" || key === "Process");
}
