import { type RefObject, useEffect } from "react";
import { composerInput } from "./focus";
import { goAside, goToStop } from "./rowstops";
import { isWriting, type ScrollStep, scrollStep } from "./scrollkeys";
import { isPressed } from "./shortcuts";

/**
 * useRoomKeys scrolls the list by keyboard, also from the input, and directs keys that are typed elsewhere to the
 * input. The browser's own scrolling by keys is smooth, and it stops as soon as the list measures a row.
 */
export function useRoomKeys(scroller: RefObject<HTMLElement | null>, scroll: (step: ScrollStep) => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
      if (goesToStop(event, scroller.current)) return event.preventDefault();
      const step = stepOf(event, scroller.current);
      if (step !== undefined) {
        event.preventDefault();
        scroll(step);
      } else if (isBesideInput(event.target, scroller.current) && isWriting(event)) {
        composerInput()?.focus(); // before the key is handled, so that the input gets it
      }
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [scroller, scroll]);
}

function goesToStop(event: KeyboardEvent, list: HTMLElement | null) {
  const { key, target, shiftKey, ctrlKey, metaKey, altKey } = event;
  if (!list || !(target instanceof HTMLElement) || shiftKey || ctrlKey || metaKey || altKey) return false;
  if (!list.contains(target)) return false;
  if (isPressed("aside", event)) return goAside(target);
  return (key === "ArrowUp" && goToStop(list, target, -1)) || (key === "ArrowDown" && goToStop(list, target, 1));
}

function stepOf(event: KeyboardEvent, list: HTMLElement | null): ScrollStep | undefined {
  const input = composerInput();
  if (input !== null && event.target === input) {
    const scrollsItself = input.scrollHeight > input.clientHeight;
    return event.key.startsWith("Page") && !scrollsItself ? scrollStep(event) : undefined;
  }
  if (!isBesideInput(event.target, list)) return undefined;
  const presses = event.key === " " && event.target !== list && event.target !== document.body;
  return presses ? undefined : scrollStep(event);
}

/** Whether no other element takes the keys. */
function isBesideInput(target: EventTarget | null, list: HTMLElement | null): boolean {
  return target === document.body || (target instanceof Node && list !== null && list.contains(target));
}
