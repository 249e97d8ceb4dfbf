/** The move of the list for a key: to one of its ends, or by a share of its visible height. */
export type ScrollStep = "begin" | "end" | number;

type Keys = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

const pageShare = 0.9;
const lineShare = 0.1;

/** scrollStep maps the keys that scroll, as browsers do; undefined for any other key. */
export function scrollStep({ key, shiftKey, ctrlKey, metaKey, altKey }: Keys): ScrollStep | undefined {
  if (altKey) return undefined;
  if (metaKey) return { ArrowUp: "begin", ArrowDown: "end" }[key] as ScrollStep | undefined;
  if (key === "Home" && !shiftKey) return "begin";
  if (key === "End" && !shiftKey) return "end";
  if (ctrlKey) return undefined;
  if (key === " ") return shiftKey ? -pageShare : pageShare;
  if (shiftKey) return undefined;
  return { PageUp: -pageShare, PageDown: pageShare, ArrowUp: -lineShare, ArrowDown: lineShare }[key];
}

/** Whether a key writes or pastes, so that it belongs to the input. */
export function isWriting({ key, ctrlKey, metaKey, altKey }: Keys): boolean {
  if ((ctrlKey || metaKey) && !altKey) return key.toLowerCase() === "v";
  // AltGr writes, and reports Ctrl and Alt.
  if (ctrlKey !== altKey) return false;
  return key !== " " && (Array.from(key).length === 1 || key === "Dead" || key === "Process");
}
