import type { MouseEvent } from "react";

/** The input of the room; null if it is not mounted. */
export function composerInput(): HTMLTextAreaElement | null {
  return document.querySelector('textarea[name="message"]');
}

/**
 * keepFocus is for buttons that disappear on click: the focus would return to the top of the page. After a click by
 * keyboard it moves the focus to the list around the button, or else to the input. A click by pointer does not move the
 * focus, so that a phone does not open its keyboard.
 */
export function keepFocus(act: () => void): (event: MouseEvent<HTMLElement>) => void {
  return (event) => {
    const list = event.currentTarget.closest<HTMLElement>("section[tabindex]");
    act();
    const byKeyboard = event.detail === 0;
    if (byKeyboard) (list ?? composerInput())?.focus();
  };
}
