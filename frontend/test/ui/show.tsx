import { act, fireEvent, render, screen } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { Preferences } from "@/attention/preferences";
import { Identity } from "@/people/identity";
import { ChatProvider } from "@/ui/context";
import { FakeMemory, openStore } from "../fakelink";

export function show(children: ReactNode) {
  const { connector, store, link } = openStore();
  const identity = new Identity(new FakeMemory(), new FakeMemory());
  const preferences = new Preferences(new FakeMemory());
  const view = render(
    <StrictMode>
      <ChatProvider chat={{ connector, store, identity, preferences }}>{children}</ChatProvider>
    </StrictMode>,
  );
  return { connector, store, link, identity, preferences, ...view };
}

export function live(children: ReactNode) {
  const shown = show(children);
  act(() => shown.link.accept());
  return shown;
}

export const input = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
export const write = (value: string) => fireEvent.change(input(), { target: { value } });
