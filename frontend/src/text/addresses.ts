import { LinkifyIt } from "linkify-it";

/** A piece of a message: plain text or the address of a page. */
export type Piece = { kind: "text"; text: string } | { kind: "link"; text: string; href: string };

/** Ends at a character that no written address contains, and at the punctuation of languages without spaces. */
const candidate =
  /(?:https?:\/\/|www\.)[^\s<>"`\p{Cc}\p{Bidi_Control}\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]{1,2000}/giu;
/** Without letters that look like a slash, an @ or a dot: the reader would see another host than a click opens. */
const honestHost = /^https?:\/\/(?:\[[\da-f:.]+\]|[\p{L}\p{M}\p{N}._-]+)(?::\d+)?(?:[/?#]|$)/iu;
/** If one of these comes before a candidate, it is part of a longer address, such as a mailbox or another host. */
const within = /[\p{Script=Latin}\p{N}_@+]$/u;
const withinHost = /[\p{L}\p{N}][.-]$/u;

/** Punctuation that may follow a host in a sentence. */
const harmless = /^(?:$|[.,:;!?*_~…'\u2019|)\]}][^@/?#]*(?:[/?#]|$))/u;

/** Finds the end of an address: the brackets, quotes and full stops that belong to it. */
const linkifier = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: false, maxLength: 2000 });

/**
 * linkify finds web addresses. It decides itself where an address begins, because the library expects a space or a mark
 * before it, which Chinese and Japanese do not write. Only http and https become links, so a click cannot start a
 * script or another program. The pieces together are the text, unchanged.
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

/** The address without the punctuation of its sentence; undefined if the rest could change the host. */
function addressIn(found: string): string | undefined {
  const scheme = /^https?:/i.exec(found)?.[0] ?? "";
  const length = linkifier.testSchemaAt(scheme ? found : `//${found}`, "https:", scheme.length);
  if (length === 0) return undefined;
  // Stars at the end are those of *emphasis*.
  const address = found.slice(0, scheme ? scheme.length + length : length - 2).replace(/\*+$/, "");
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
