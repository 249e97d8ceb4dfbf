import { clusterStart } from "./clusters";

/** shortened cuts a text to at most so many code points, and never within a cluster. */
export function shortened(text: string, chars: number): string {
  const whole = Array.from(text.slice(0, chars * 2 + 2));
  if (whole.length <= chars) return text;
  const end = whole.slice(0, chars - 1).join("").length;
  return `${text.slice(0, clusterStart(text, end))}…`;
}
