import { expect, test } from "vitest";
import { isWriting, scrollStep } from "@/ui/scrollkeys";

const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };

test.each([
  [{ key: "Home" }, "begin"],
  [{ key: "End" }, "end"],
  [{ key: "Home", ctrlKey: true }, "begin"],
  [{ key: "ArrowUp", metaKey: true }, "begin"],
  [{ key: "ArrowDown", metaKey: true }, "end"],
  [{ key: "PageUp" }, -0.9],
  [{ key: "PageDown" }, 0.9],
  [{ key: " " }, 0.9],
  [{ key: " ", shiftKey: true }, -0.9],
  [{ key: "ArrowUp" }, -0.1],
  // Keys that select, move between pages or tabs, or write.
  [{ key: "Home", shiftKey: true }, undefined],
  [{ key: "ArrowUp", altKey: true }, undefined],
  [{ key: "PageDown", ctrlKey: true }, undefined],
  [{ key: "a" }, undefined],
])("%j scrolls: %j", (event, step) => expect(scrollStep({ ...none, ...event })).toBe(step));

test.each([
  [{ key: "a" }, true],
  [{ key: "É", shiftKey: true }, true],
  [{ key: "語" }, true],
  [{ key: "😀" }, true],
  [{ key: "Dead" }, true],
  [{ key: "Process" }, true],
  [{ key: "@", ctrlKey: true, altKey: true }, true],
  [{ key: "v", ctrlKey: true }, true],
  [{ key: "V", metaKey: true }, true],
  [{ key: "c", ctrlKey: true }, false],
  [{ key: "f", metaKey: true }, false],
  [{ key: "f", altKey: true }, false],
  [{ key: " " }, false],
  [{ key: "Enter" }, false],
  [{ key: "Tab" }, false],
  [{ key: "F5" }, false],
])("%j writes: %j", (event, writes) => expect(isWriting({ ...none, ...event })).toBe(writes));
