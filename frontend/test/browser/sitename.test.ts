import { afterEach, expect, test, vi } from "vitest";
import { siteNameOf } from "@/browser/sitename";

afterEach(() => void vi.unstubAllEnvs());

test.each([
  [undefined, "Chat"],
  ["", "Chat"],
  ["  ", "Chat"],
  [" Harbour & Co ", "Harbour & Co"],
])("a site that is built with the name %j is called %j", (given, name) => expect(siteNameOf(given)).toBe(name));

test("the name of the build is in the title, in the form's page and in the manifest", async () => {
  vi.stubEnv("NEXT_PUBLIC_SITE_NAME", "Harbour");
  vi.resetModules();
  const { pageTitle } = await import("@/attention/title");
  const { siteMetadata } = await import("@/app/about");
  const { default: manifest } = await import("@/app/manifest");
  expect([pageTitle(0, undefined), pageTitle(2, "team" as never)]).toEqual(["Harbour", "(2) team · Harbour"]);
  expect(siteMetadata(undefined)).toMatchObject({ title: "Harbour", applicationName: "Harbour" });
  expect(manifest()).toMatchObject({ name: "Harbour", short_name: "Harbour" });
});
