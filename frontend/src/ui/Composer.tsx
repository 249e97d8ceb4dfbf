"use client";

import {
  type ChangeEvent,
  type FormEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { sendable } from "@/text/sendable";
import { countChars, type Limits } from "@/wire/limits";
import { Completions, optionId } from "./Completions";
import styles from "./Composer.module.css";
import { useCompletion } from "./completing";
import { useMe, useStore } from "./context";
import { useTouch } from "./media";
import { isPressed } from "./shortcuts";
import { problemWords } from "./words";

/** From this part of the longest message on the count is shown. */
const countFrom = 0.9;

/** Makes the input as high as its text in browsers whose style sheets cannot. */
function useGrowing(input: RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const { current } = input;
    if (!current || CSS.supports("field-sizing", "content")) return;
    current.style.height = "auto";
    current.style.height = `${current.scrollHeight}px`;
  }, [input, text]);
}

/** The text of the input, and what keys and the button do with it. */
function useComposing(username: string, input: RefObject<HTMLTextAreaElement | null>, touch: boolean) {
  const store = useStore();
  const { limits } = useMe();
  const [text, setText] = useState(store.draft);
  const [problem, setProblem] = useState<string>();

  // Whoever goes to another room stops typing in this one.
  useEffect(() => () => store.typing(username, false), [store, username]);

  function rewrite(value: string) {
    setText(value);
    store.draft = value;
  }

  function write(value: string) {
    rewrite(value);
    setProblem(undefined);
    store.typing(username, value.trim() !== "");
  }

  const completion = useCompletion(input, write);

  function change(event: ChangeEvent<HTMLTextAreaElement>) {
    write(event.target.value);
    completion.follow();
  }

  function submit(event?: FormEvent) {
    event?.preventDefault();
    input.current?.focus();
    const found = store.send(username, text);
    if (found === "empty") return;
    setProblem(found && problemWords(found, limits));
    if (found !== undefined) return;
    rewrite("");
    completion.reset();
  }

  function keyDown(event: KeyboardEvent) {
    // Enter during a composition (Japanese, Chinese, Korean …) chooses a word; Safari reports it as 229.
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    // An on-screen keyboard has no Shift+Enter, so Enter starts a line there; the button sends.
    const sends = isPressed("send", event) && (event.ctrlKey || event.metaKey || !touch);
    if (composing) return;
    const completes = completion.keyDown(event);
    if (completes || sends) event.preventDefault();
    if (sends && !completes) submit();
  }

  function blur() {
    store.typing(username, false);
    completion.reset();
  }

  return { text, problem, completion, change, submit, keyDown, blur };
}

function countWords(chars: number, { messageChars }: Limits): string {
  const isLong = chars >= messageChars * countFrom;
  return isLong ? `${chars.toLocaleString("en")} of ${messageChars.toLocaleString("en")}` : "";
}

interface Props {
  username: string;
  /** Whether the person came here from another room. */
  moved?: boolean;
}

export function Composer({ username, moved = false }: Props) {
  const touch = useTouch();
  const { limits } = useMe();
  const input = useRef<HTMLTextAreaElement>(null);
  const { text, problem, completion, change, submit, keyDown, blur } = useComposing(username, input, touch);
  const chars = countChars(sendable(text));
  const noteId = useId();
  const { candidates, active, listId } = completion;
  const isOpen = candidates.length > 0;
  useGrowing(input, text);
  return (
    <form className={styles.composer} onSubmit={submit}>
      <div className={styles.box}>
        <Completions of={completion} />
        <textarea
          ref={input}
          name="message"
          rows={1}
          value={text}
          placeholder="Write a message"
          aria-label="Message"
          aria-describedby={noteId}
          aria-invalid={problem !== undefined || chars > limits.messageChars}
          enterKeyHint={touch ? "enter" : "send"}
          autoComplete="off"
          dir="auto"
          // biome-ignore lint/a11y/noAutofocus: whoever joined the room wants to write
          autoFocus={!moved || !touch}
          // The role of an input of several lines is fixed: it is a textbox with a list, and no combobox.
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={isOpen ? listId : undefined}
          aria-activedescendant={isOpen ? optionId(listId, active) : undefined}
          onChange={change}
          onSelect={completion.follow}
          onKeyDown={keyDown}
          onBlur={blur}
        />
        <button
          type="submit"
          aria-label="Send"
          disabled={text.trim() === ""}
          // The input keeps the focus, and a phone keeps its keyboard open.
          onMouseDown={(event) => event.preventDefault()}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M4.4 4.2 21 12 4.400 19.800l2.200-6.300L14 12 6.600 10.500z" />
          </svg>
        </button>
      </div>
      <p id={noteId} className={styles.note} role={problem === undefined ? undefined : "alert"}>
        {problem ?? countWords(chars, limits)}
      </p>
    </form>
  );
}
