import { shortened } from "./shortened";

/** A longer message is quoted by its beginning: who quotes it wants to answer in the same message. */
const mostChars = 1000;

/** The lines that quote a message, at the place of the caret in a draft: they begin and end a line. */
export function quoted(message: string, draft: string, caret: number): string {
  const lines = shortened(message, mostChars).split("\n");
  const quote = lines.map((line) => (line === "" ? ">" : `> ${line}`)).join("\n");
  const begins = caret === 0 || draft[caret - 1] === "\n";
  return `${begins ? "" : "\n"}${quote}\n`;
}
