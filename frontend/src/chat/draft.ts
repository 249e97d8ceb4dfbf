/** What is sent of what was written: without blank lines before it, and white space behind it. */
export function sendable(text: string): string {
  return text.replace(/^\s*\n/, "").trimEnd();
}
