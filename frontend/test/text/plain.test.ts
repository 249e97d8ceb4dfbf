import { expect, test } from "vitest";
import { plainText } from "@/text/plain";

test.each([
  ["hello", "hello"],
  ["**bold** and *italics*, `code`", "bold and italics, code"],
  ["> quote\nanswer", "quote\nanswer"],
  ["- one\n- two", "one\ntwo"],
  ["1. one\n2. two", "1. one\n2. two"],
  ["```js\nlet a;\nlet b;\n```\nthen", "let a;\nlet b;\nthen"],
  ["\\*star\\*", "*star*"],
  ["see **https://a.example/x**", "see https://a.example/x"],
  ["a\n\nb *c*", "a\n\nb c"],
])("%j is read as %j", (text, plain) => expect(plainText(text)).toBe(plain));
