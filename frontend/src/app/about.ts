import type { Metadata } from "next";
import { siteName } from "@/browser/sitename";

export const about = { name: siteName, description: "Many rooms, everyone welcome." };

/** The address of the site, if the build knows it. Link previews need absolute addresses. */
export function siteUrl(env: Record<string, string | undefined>): URL | undefined {
  const { NEXT_PUBLIC_SITE_URL: given, VERCEL_PROJECT_PRODUCTION_URL: host } = env;
  if (given) return new URL(given);
  return host ? new URL(`https://${host}`) : undefined;
}

/** siteMetadata describes a page to browsers and link previews. */
export function siteMetadata(site: URL | undefined): Metadata {
  const { name, description } = about;
  const picture = { url: "/opengraph.png", width: 1200, height: 630, alt: `${name}. ${description}` };
  return {
    ...(site && { metadataBase: site }),
    title: name,
    applicationName: name,
    description,
    openGraph: {
      type: "website",
      siteName: name,
      title: name,
      description,
      ...(site && { url: "/", images: [picture] }),
    },
    twitter: { card: site ? "summary_large_image" : "summary", title: name, description },
  };
}
