import "@fontsource-variable/inter";
import "./globals.css";
import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { preconnect, preload } from "react-dom";
import { lookScript } from "@/browser/look";
import { serverUrl } from "@/chat/serverurl";
import { earlyScript } from "@/ui/early";
import { siteMetadata, siteUrl } from "./about";

export const metadata: Metadata = siteMetadata(siteUrl(process.env));

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  viewportFit: "cover",
  // A phone's keyboard shrinks the page, so that the input stays above it.
  interactiveWidget: "resizes-content",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#6f63ec" },
    { media: "(prefers-color-scheme: dark)", color: "#171238" },
  ],
};

/** The font of the form. From the style sheet alone it would load a round trip later. */
const latin = new URL("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", import.meta.url).toString();

const server = serverUrl(process.env.NEXT_PUBLIC_SERVER_URL, process.env.NODE_ENV === "production");

export default function Layout({ children }: { children: ReactNode }) {
  preload(latin, { as: "font", type: "font/woff2", crossOrigin: "anonymous" });
  preconnect(server, { crossOrigin: "anonymous" });
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: constants of ours, and their hash is in the policy */}
        <script dangerouslySetInnerHTML={{ __html: `${lookScript};${earlyScript}` }} />
        <noscript>This chat needs JavaScript.</noscript>
        {children}
      </body>
    </html>
  );
}
