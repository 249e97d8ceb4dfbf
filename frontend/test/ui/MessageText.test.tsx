// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Names } from "@/text/mentions";
import { Mentionable } from "@/ui/Mentionable";
import { MessageText } from "@/ui/MessageText";
import { below, seeded } from "../random";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const shown = (text: string) => {
  const { container } = render(<MessageText text={text} />);
  const root = container.querySelector("[data-text]");
  if (!root) throw new Error("no text");
  return { container, root };
};

/** The elements of a message and the attributes that they may have, besides those whose values are ours. */
const allowed = new Set("div p span a code pre strong em blockquote ol ul li button svg path".toUpperCase().split(" "));
const ours =
  /^(?:class|dir|translate|hidden|role|type|title|rel|target|tabindex|d|viewbox|data-text|data-emoji|data-bare|aria-(?:label|hidden|live))$/i;

function expectSafe(container: Element): void {
  for (const element of container.querySelectorAll("*")) {
    expect(allowed).toContain(element.tagName.toUpperCase());
    for (const { name, value } of element.attributes) {
      if (name === "href") expect(value).toMatch(/^https?:\/\//);
      else expect(name).toMatch(ours);
    }
  }
}

describe("the text of a message", () => {
  test("is strong, emphasized, code, quoted and listed with the elements for it", () => {
    const { root, container } = shown("**a** *b* `c`\n> d\n- e\n- f\n1. g\n```js\nh\n```");
    const of = (selector: string) => [...root.querySelectorAll(selector)].map((element) => element.textContent);
    expect(of("strong > span:not([hidden])")).toEqual(["a"]);
    expect(of("em > span:not([hidden])")).toEqual(["b"]);
    expect(of("p > code > span:not([hidden])")).toEqual(["c"]);
    expect(of("blockquote span:not([hidden])")).toEqual(["d"]);
    expect(screen.getAllByRole("list")).toHaveLength(2);
    expect(screen.getAllByRole("listitem")).toHaveLength(3);
    expect(of("pre > code > span:not([hidden])")).toEqual(["h"]);
    expectSafe(container);
  });

  test("without marks is one paragraph, as cheap as before", () => {
    const { root } = shown("hello https://a.example world");
    expect(root.tagName).toBe("P");
    expect(root.children).toHaveLength(3);
  });

  test("is whole in the page, and makes no other elements, whatever it is", () => {
    const random = seeded(15);
    const pieces = [
      ..."*|**|`|```|\n```\n|> |- |1. |\n|\n\n|a|b c| |\\|<script>alert(1)</script>|<style>*{}</style>|<svg onload=x>".split(
        "|",
      ),
      ..."javascript:alert(1)|data:text/html,x|[a](javascript:b)|https://a.example|\u200b|\u202e|&lt;|<!--|]]>|vbscript:x".split(
        "|",
      ),
    ];
    for (let i = 0; i < 150; i++) {
      const text = Array.from({ length: 30 }, () => pieces[below(random, pieces.length)]).join("");
      const { root, container } = shown(text);
      expect(root.textContent).toBe(text);
      expectSafe(container);
      cleanup();
    }
  });
});

describe("a mention", () => {
  const names = new Names(["ada", "Bob Bach", "שרה"]);
  const mentioning = (text: string) => {
    const { container } = render(
      <Mentionable value={{ names, authors: [], username: "ada" }}>
        <MessageText text={text} />
      </Mentionable>,
    );
    const found = [...container.querySelectorAll("bdi")];
    return { container, found: found.map((one) => [one.textContent, one.hasAttribute("data-me")]) };
  };

  test("is marked, and one's own more than others", () => {
    const { container, found } = mentioning("@ada and **@bob bach**:\n> @שרה, @eve");
    expect(found).toEqual([
      ["@ada", true],
      ["@bob bach", false],
      ["@שרה", false],
    ]);
    expect(container.querySelector("[data-text]")?.textContent).toBe("@ada and **@bob bach**:\n> @שרה, @eve");
  });

  test.each(["`@ada`", "```\n@ada\n```", "https://a.example/@ada", "mail@ada", "@\u200bada"])("is none in %j", (text) =>
    expect(mentioning(text).found).toEqual([]),
  );
});

describe("the button of a block of code", () => {
  const text = "> ```\n> let a;\n>   let b;\n> ```";
  const press = () => act(async () => void fireEvent.click(screen.getByRole("button", { name: "Copy code" })));

  test("copies the code alone, and says so for a moment", async () => {
    const writeText = vi.fn(async () => undefined);
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    vi.useFakeTimers();
    const { root } = shown(text);
    await press();
    expect(writeText).toHaveBeenCalledWith("let a;\n  let b;");
    expect(screen.getByText("Code copied").getAttribute("aria-live")).toBe("polite");
    expect(root.textContent).toBe(text);
    act(() => void vi.advanceTimersByTime(10_000));
    expect(screen.queryByText("Code copied")).toBeNull();
    vi.useRealTimers();
  });

  test("selects the code where the page may not copy", async () => {
    vi.stubGlobal("navigator", {});
    const { root } = shown(text);
    await press();
    expect(screen.getByText(/The code is selected/)).toBeTruthy();
    expect(document.getSelection()?.getRangeAt(0).startContainer).toBe(root.querySelector("pre code"));
  });
});
