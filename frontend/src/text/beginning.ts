import { shortened } from "./shortened";

const mostLines = 16;
const mostChars = 900;

/** The beginning of a long text, which is shown at first: one message should not fill the room. */
export function beginning(text: string): string {
  const lines = text.split("\n");
  const few = lines.length > mostLines + 4 ? `${lines.slice(0, mostLines).join("\n")} …` : text;
  return few.length > mostChars + 400 ? shortened(few, mostChars) : few;
}
