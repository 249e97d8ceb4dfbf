import { describe, expect, test } from "vitest";

import { serverUrl } from "@/chat/serverurl";

describe("pitfall 11: the address of the server", () => {
  test("is needed by a production build only", () => {
    expect(() => serverUrl(undefined, true)).toThrow(/NEXT_PUBLIC_SERVER_URL is not set/);
    expect(() => serverUrl("", true)).toThrow(/NEXT_PUBLIC_SERVER_URL is not set/);
    expect(serverUrl(undefined, false)).toBe("http://localhost:8000");
    expect(serverUrl("https://chat.example.com/", true)).toBe("https://chat.example.com");
  });

  test.each(["chat.example.com", "ftp://chat.example.com", "https://chat.example.com/socket.io"])(
    "is not %s",
    (url) => {
      expect(() => serverUrl(url, true)).toThrow();
    },
  );
});

describe("a bad address is refused with a suggestion", () => {
  test.each([
    ["chat.example.com", "write https://chat.example.com"],
    ["localhost:8000", "write http://localhost:8000"],
    ["'https://chat.example.com'", "write https://chat.example.com"],
    ["wss://chat.example.com", "write https://chat.example.com"],
    ["ws://localhost:8000/socket.io/", "write http://localhost:8000"],
    ["https://chat.example.com/socket.io", "write https://chat.example.com"],
    ["https://chat.example.com/?x=1", "write https://chat.example.com"],
    ["ftp://chat.example.com", "must be like https://chat.example.com"],
    ["https://", "must be like https://chat.example.com"],
  ])("%s", (url, want) => {
    expect(() => serverUrl(url, true)).toThrow(want);
  });
});
