import type { MouseEvent } from "react";

/** The input of the room; null while there is none. */
export function composerInput(): HTMLTextAreaElement | null {
  return document.querySelector('textarea[name="message"]');
}

/**
 * keepFocus is for buttons that go away with the click: who uses the keyboard would have to begin at the top of the page
 * again. They go on with the list that the button was in, or else with the next message. A click with a pointer leaves
 * the focus alone, so that a phone does not open its keyboard.
 */
export function keepFocus(act: () => void): (event: MouseEvent<HTMLElement>) => void {
  return (event) => {
    const list = event.currentTarget.closest<HTMLElement>("section[tabindex]");
    act();
    const byKeyboard = event.detail === 0;
    if (byKeyboard) (list ?? composerInput())?.focus();
  };
}
