"use client";

import { createContext, type RefObject, useCallback, useContext, useEffect, useRef, useState } from "react";
import { linkify } from "@/text/addresses";
import { isOnlyEmoji } from "@/text/emoji";
import { type Block, format, type Inline, type Item, type Leaf, mayHaveFormat } from "@/text/format";
import { splitMentions } from "@/text/mentions";
import { Mentionable } from "./Mentionable";
import styles from "./MessageText.module.css";

const toldMs = 4000;

/** The text of a message. Its text content is the message as it was typed: marks are in the page, but not shown. */
export function MessageText({ text }: { text: string }) {
  if (mayHaveFormat(text)) return <Formatted text={text} />;
  return (
    <p className={styles.text} dir="auto" data-text="" data-emoji={isOnlyEmoji(text) || undefined}>
      {linkify(text).map(inlineView)}
    </p>
  );
}

const copiedWords = "Code copied";
const selectedWords = "Your browser does not let this page copy. The code is selected, so that you can.";

/** Tells the reader what became of a copy. */
const Tell = createContext<(words: string) => void>(() => undefined);

function Formatted({ text }: { text: string }) {
  const [told, setTold] = useState("");
  useEffect(() => {
    if (told === "") return;
    const timer = setTimeout(() => setTold(""), toldMs);
    return () => clearTimeout(timer);
  }, [told]);
  return (
    <>
      <div className={styles.text} data-text="">
        <Tell value={setTold}>{format(text).map(outerView)}</Tell>
      </div>
      <p className={told === selectedWords ? styles.told : "hidden"} aria-live="polite">
        {told}
      </p>
    </>
  );
}

/** A paragraph has a direction of its own; those of a quote or an item go by its first. */
function outerView(block: Block, key: number) {
  if (block.kind !== "text") return blockView(block, key);
  return (
    <p key={key} dir="auto">
      {block.inside.map(inlineView)}
    </p>
  );
}

function blockView(block: Block, key: number) {
  switch (block.kind) {
    case "marker":
      return leafView(block, key);
    case "text":
      return <p key={key}>{block.inside.map(inlineView)}</p>;
    case "fence":
      return <Fence key={key} info={block.info} code={block.code} />;
    case "quote":
      return (
        <blockquote key={key} dir="auto">
          {block.inside.map(blockView)}
        </blockquote>
      );
    case "list":
      return <List key={key} ordered={block.ordered} items={block.items} />;
  }
}

/** The numbers are those that were typed. Safari takes a list without its own marks for none, if it has no role. */
function List({ ordered, items }: { ordered: boolean; items: readonly Item[] }) {
  const Tag = ordered ? "ol" : "ul";
  return (
    <Tag role="list">
      {items.map(({ label, inside }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the items of a text never change
        <li key={i} dir="auto">
          <span className={styles.label}>{label.map(leafView)}</span>
          <div>{inside.map(blockView)}</div>
        </li>
      ))}
    </Tag>
  );
}

function Fence({ info, code }: { info: readonly Leaf[]; code: readonly Leaf[] }) {
  const ref = useRef<HTMLElement>(null);
  const { copied, copy } = useCopy(code, ref);
  return (
    <div className={styles.fence} dir="ltr" translate="no" data-bare={info.length === 0 || undefined}>
      <p>
        <span dir="auto">{info.map(leafView)}</span>
        <button type="button" aria-label="Copy code" title="Copy code" onClick={copy}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path
              d={copied ? "m3 8.500 3.500 3.500L13 5" : "M6 5.500h7.500v8.500H6zM3.500 10.500h-1v-8.500H10v1.200"}
            />
          </svg>
        </button>
      </p>
      <pre>
        <code ref={ref}>{code.map(leafView)}</code>
      </pre>
    </div>
  );
}

/** Without the right to write to the clipboard, as over plain http, the code is selected for the reader to copy. */
function useCopy(code: readonly Leaf[], ref: RefObject<HTMLElement | null>) {
  const tell = useContext(Tell);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), toldMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = useCallback(async () => {
    try {
      await navigator.clipboard.writeText(visible(code));
      setCopied(true);
      tell(copiedWords);
    } catch {
      if (ref.current) document.getSelection()?.selectAllChildren(ref.current);
      tell(selectedWords);
    }
  }, [code, ref, tell]);
  return { copied, copy };
}

function visible(leaves: readonly Leaf[]): string {
  return leaves.map(({ kind, text }) => (kind === "text" ? text : "")).join("");
}

/** Each piece has its own element, because a translator may replace text nodes. */
function inlineView(piece: Inline, key: number) {
  switch (piece.kind) {
    case "marker":
      return leafView(piece, key);
    case "text":
      return piece.text.includes("@") ? <Mentioning key={key} text={piece.text} /> : leafView(piece, key);
    case "link":
      return (
        <a key={key} href={piece.href} target="_blank" rel="noopener noreferrer nofollow ugc">
          {piece.text}
        </a>
      );
    case "code":
      return (
        <code key={key} dir="auto" translate="no">
          {piece.inside.map(leafView)}
        </code>
      );
    case "strong":
      return <strong key={key}>{piece.inside.map(inlineView)}</strong>;
    case "emphasis":
      return <em key={key}>{piece.inside.map(inlineView)}</em>;
  }
}

/** A text with the names in it that are known. The one who reads is marked more than others. */
function Mentioning({ text }: { text: string }) {
  const { names, username } = useContext(Mentionable);
  return splitMentions(text, names).map((piece, i) =>
    piece.kind === "text" ? (
      leafView(piece, i)
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: a text never changes
      <bdi key={i} className={styles.mention} translate="no" data-me={piece.name === username || undefined}>
        {piece.text}
      </bdi>
    ),
  );
}

function leafView({ kind, text }: Leaf, key: number) {
  return (
    <span key={key} hidden={kind === "marker"}>
      {text}
    </span>
  );
}
