// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";

import { renderToString } from "react-dom/server";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Identity } from "@/people/identity";
import { ChatProvider } from "@/ui/context";
import { NameForm } from "@/ui/NameForm";
import { FakeMemory } from "../fakelink";
import { welcome } from "../make";
import { openChat, show } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("name form", () => {
  test("takes a name, and explains a bad one", () => {
    const { identity } = show(<NameForm />);
    const field = screen.getByRole("textbox", { name: "Your name" });
    fireEvent.change(field, { target: { value: "x".repeat(65) } });
    fireEvent.click(screen.getByRole("button", { name: "Join the room" }));
    expect(screen.getByRole("alert").textContent).toMatch(/at most 64/);
    expect(field.getAttribute("aria-invalid")).toBe("true");
    fireEvent.change(field, { target: { value: " ada " } });
    fireEvent.click(screen.getByRole("button", { name: "Join the room" }));
    expect(identity.getMe().username).toBe("ada");
  });

  test("P11 shows the name that our account gives us, and does not change it", () => {
    const { identity } = show(<NameForm />);
    act(() => void identity.welcomed(welcome("u1", { user: { id: "u1", guest: false, name: "Ada" } })));
    const field = screen.getByRole<HTMLInputElement>("textbox", { name: "Your name" });
    expect([field.value, field.readOnly]).toEqual(["Ada", true]);
    expect(screen.getByText("Your account gives you this name.")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Join the room" }));
    expect(identity.getMe().username).toBe("Ada");
  });

  test("keeps a text from before hydration, and offers the remembered name otherwise", () => {
    for (const typed of ["", "grace"]) {
      const memory = new FakeMemory();
      new Identity(memory, new FakeMemory()).rename("ada");
      const { chat } = openChat({ browser: memory });
      const page = (
        <ChatProvider chat={chat}>
          <NameForm />
        </ChatProvider>
      );
      const container = document.createElement("div");
      document.body.append(container);
      container.innerHTML = renderToString(page);
      const field = container.querySelector("input");
      if (field) field.value = typed;
      const { unmount } = render(page, { container, hydrate: true });
      expect(container.querySelector("input")).toBe(field);
      expect(field?.value).toBe(typed || "ada");
      unmount();
    }
  });

  test("shows how many people are there", () => {
    const { link } = show(<NameForm />);
    const shows = (online: number, words: string) => {
      act(() => link.listener.presence(online));
      expect(screen.getByText(words)).toBeTruthy();
    };
    shows(1, "Nobody else is here yet.");
    shows(2, "One other person is here.");
    shows(1235, "1,234 others are here.");
  });
});
