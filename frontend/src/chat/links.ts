import { LinkifyIt } from "linkify-it";

/** A piece of a message: plain text, or the address of a page. */
export type Piece = { kind: "text"; text: string } | { kind: "link"; text: string; href: string };

/** Ends at what no address contains as written, and at the punctuation of languages that put no space behind it. */
const candidate =
  /(?:https?:\/\/|www\.)[^\s<>"`\p{Cc}\p{Bidi_Control}\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]{1,2000}/giu;
/** Letters that look like a slash, an @ or a dot would show another host than the one that a click opens. */
const honestHost = /^https?:\/\/(?:\[[\da-f:.]+\]|[\p{L}\p{M}\p{N}._-]+)(?::\d+)?(?:[/?#]|$)/iu;
/** Just before what looks like an address: part of a longer one, such as that of a mailbox or another host. */
const within = /[\p{Script=Latin}\p{N}_@+]$/u;
const withinHost = /[\p{L}\p{N}][.-]$/u;

/** What may follow a host in a sentence. */
const harmless = /^(?:$|[.,:;!?*_~…'\u2019|)\]}][^@/?#]*(?:[/?#]|$))/u;

/** Says where an address ends: which brackets, quotes and full stops belong to it. */
const linkifier = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: false, maxLength: 2000 });

/**
 * linkify finds web addresses. Where one begins is decided here: the library wants a space or a mark before it, which
 * Chinese and Japanese do without. Only http and https become links, so no script and no other program can be started by a
 * click; all pieces together are the text, unchanged.
 */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(candidate)) {
    const before = text.slice(Math.max(0, match.index - 4), match.index);
    if (within.test(before) || (/^www/i.test(match[0]) && withinHost.test(before))) continue;
    const address = addressIn(match[0]);
    const href = address === undefined ? undefined : hrefOf(address);
    if (address === undefined || href === undefined) continue;
    if (match.index > done) pieces.push({ kind: "text", text: text.slice(done, match.index) });
    pieces.push({ kind: "link", text: address, href });
    done = match.index + address.length;
  }
  if (done < text.length) pieces.push({ kind: "text", text: text.slice(done) });
  return pieces;
}

/** Without what belongs to the sentence; undefined if that is no punctuation, but makes the host another one. */
function addressIn(found: string): string | undefined {
  const scheme = /^https?:/i.exec(found)?.[0] ?? "";
  const length = linkifier.testSchemaAt(scheme ? found : `//${found}`, "https:", scheme.length);
  if (length === 0) return undefined;
  const address = found.slice(0, scheme ? scheme.length + length : length - 2);
  const rest = found.slice(address.length);
  const endsWithHost = !/[^/:][/?#]/.test(address);
  return endsWithHost && !harmless.test(rest) ? undefined : address;
}

function hrefOf(address: string): string | undefined {
  const full = /^www\./i.test(address) ? `https://${address}` : address;
  if (!honestHost.test(full)) return undefined;
  try {
    const url = new URL(full);
    const named = url.hostname.includes(".") || url.hostname === "localhost" || url.hostname.startsWith("[");
    return named ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** Where the browser does not know the list of emoji yet: flags, keycaps, and what is drawn in colour, joined or not. */
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
    return undefined; // A literal would be an error of the whole script.
  }
}

/** isOnlyEmoji reports whether a text is one to three emoji and nothing else. */
export function isOnlyEmoji(text: string): boolean {
  return text.length <= 128 && onlyEmoji?.test(text.trim()) === true;
}
