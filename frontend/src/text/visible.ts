import { type Block, format, type Inline, type Leaf, mayHaveFormat } from "./format";

/** What of a message is read: its text without the marks of its format. */
export function visibleText(text: string): string {
  return mayHaveFormat(text) ? format(text).map(ofBlock).join("") : text;
}

function ofBlock(block: Block): string {
  switch (block.kind) {
    case "marker":
      return "";
    case "text":
      return block.inside.map(ofInline).join("");
    case "fence":
      return [...block.info, ...block.code].map(ofLeaf).join("");
    case "quote":
      return block.inside.map(ofBlock).join("");
    case "list":
      return block.items.map(({ label, inside }) => label.map(ofLeaf).join("") + inside.map(ofBlock).join("")).join("");
  }
}

function ofInline(piece: Inline): string {
  switch (piece.kind) {
    case "text":
    case "marker":
      return ofLeaf(piece);
    case "link":
      return piece.text;
    case "code":
      return piece.inside.map(ofLeaf).join("");
    case "strong":
    case "emphasis":
      return piece.inside.map(ofInline).join("");
  }
}

function ofLeaf({ kind, text }: Leaf): string {
  return kind === "marker" ? "" : text;
}
