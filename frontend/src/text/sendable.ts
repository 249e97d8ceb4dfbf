/** sendable returns a text without leading blank lines and trailing white space. */
export function sendable(text: string): string {
  return text.replace(/^\s*\n/, "").trimEnd();
}
