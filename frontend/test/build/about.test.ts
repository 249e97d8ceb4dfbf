import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { siteMetadata, siteUrl } from "@/app/about";

test("a link preview has a picture if the build knows the address of the site", () => {
  expect(siteUrl({})).toBeUndefined();
  expect(siteUrl({ VERCEL_PROJECT_PRODUCTION_URL: "chat.vercel.app" })?.href).toBe("https://chat.vercel.app/");
  const site = siteUrl({ NEXT_PUBLIC_SITE_URL: "https://chat.example", VERCEL_PROJECT_PRODUCTION_URL: "x.vercel.app" });
  const { metadataBase, openGraph, twitter } = siteMetadata(site);
  expect(metadataBase?.toString()).toBe("https://chat.example/");
  expect(openGraph).toMatchObject({ url: "/", images: [{ url: "/opengraph.png" }] });
  expect(twitter).toMatchObject({ card: "summary_large_image" });
  expect(existsSync(new URL("../../public/opengraph.png", import.meta.url))).toBe(true);
  expect(siteMetadata(undefined).openGraph).not.toHaveProperty("images");
});
