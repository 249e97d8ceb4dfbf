import { linkify } from "./addresses";
import { type Block, format, type Inline, type Leaf, mayHaveFormat } from "./format";
import { type Names, splitMentions } from "./mentions";

/** plainText returns what a reader of a message sees, without the marks of formatting. */
export function plainText(text: string): string {
  return mayHaveFormat(text) ? blocksText(format(text)) : text;
}

/** Whether a text mentions one of these, where it is neither code nor an address. */
export function mentions(text: string, names: Names, isMeant: (name: string) => boolean): boolean {
  if (!text.includes("@")) return false;
  const says = (part: string) =>
    splitMentions(part, names).some((piece) => piece.kind === "mention" && isMeant(piece.name));
  return mayHaveFormat(text) ? format(text).some((block) => someText(block, says)) : inlineSome(linkify(text), says);
}

function blocksText(blocks: readonly Block[]): string {
  return blocks
    .filter(({ kind }) => kind !== "marker")
    .map(blockText)
    .join("\n");
}

function blockText(block: Block): string {
  switch (block.kind) {
    case "marker":
      return "";
    case "text":
      return inlineText(block.inside);
    case "fence":
      return inlineText(block.code);
    case "quote":
      return blocksText(block.inside);
    case "list":
      return block.items
        .map(({ label, inside }) => `${label.length > 0 ? `${inlineText(label)} ` : ""}${blocksText(inside)}`)
        .join("\n");
  }
}

function inlineText(pieces: readonly (Inline | Leaf)[]): string {
  return pieces
    .map((piece) => {
      if (piece.kind === "marker") return "";
      return "inside" in piece ? inlineText(piece.inside) : piece.text;
    })
    .join("");
}

function someText(block: Block, says: (text: string) => boolean): boolean {
  switch (block.kind) {
    case "marker":
    case "fence":
      return false;
    case "text":
      return inlineSome(block.inside, says);
    case "quote":
      return block.inside.some((inner) => someText(inner, says));
    case "list":
      return block.items.some(({ inside }) => inside.some((inner) => someText(inner, says)));
  }
}

function inlineSome(pieces: readonly Inline[], says: (text: string) => boolean): boolean {
  return pieces.some((piece) => {
    if (piece.kind === "text") return says(piece.text);
    return (piece.kind === "strong" || piece.kind === "emphasis") && inlineSome(piece.inside, says);
  });
}
