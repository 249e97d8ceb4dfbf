// @vitest-environment happy-dom
import { act, cleanup, screen } from "@testing-library/react";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Header } from "@/ui/Header";
import { placed } from "../make";
import { live } from "./show";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("header", () => {
  test("shows state, count and a namesake", () => {
    const { link } = live(<Header username="ada" people={{ open() {} }} />);
    act(() => link.listener.presence(1234));
    expect(screen.getByRole("status").textContent).toBe("Live");
    expect(screen.getByText("1,234 online")).toBeTruthy();
    expect(screen.queryByTitle(/Somebody else/)).toBeNull();
    act(() => link.listener.message(placed(1, { username: "ada", id: "stranger-1" })));
    expect(screen.getByTitle("Somebody else is called ada too.")).toBeTruthy();
  });
});
