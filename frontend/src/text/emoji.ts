/** For browsers without the list of emoji: flags, keycaps, and coloured symbols, joined or not. */
const oneOfEmoji = [
  String.raw`\p{Regional_Indicator}{2}`,
  String.raw`\u{1f3f4}[\u{e0061}-\u{e007a}]{5}\u{e007f}`,
  String.raw`[0-9#*]\ufe0f\u20e3`,
  String.raw`(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier}))\p{Emoji_Modifier}?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*`,
];
const onlyEmoji = few(String.raw`\p{RGI_Emoji}`, "v") ?? few(oneOfEmoji.join("|"), "u");

function few(one: string, flag: string): RegExp | undefined {
  try {
    return new RegExp(String.raw`^(?:(?:${one})\s*){1,3}$`, flag);
  } catch {
    return undefined; // As a literal the pattern would be a syntax error of the whole script.
  }
}

/** isOnlyEmoji reports whether a text is one to three emoji and nothing else. */
export function isOnlyEmoji(text: string): boolean {
  return text.length <= 128 && onlyEmoji?.test(text.trim()) === true;
}
