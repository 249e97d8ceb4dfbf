import "@fontsource-variable/inter";
import "./globals.css";
import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { earlyScript } from "@/ui/early";

export const metadata: Metadata = {
  title: "Chat",
  description: "One room, everyone in it.",
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  viewportFit: "cover",
  // The keyboard of a phone takes its room from the page, so that the input stays above it.
  interactiveWidget: "resizes-content",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#6f63ec" },
    { media: "(prefers-color-scheme: dark)", color: "#171238" },
  ],
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: a constant of ours, and its hash is in the policy */}
        <script dangerouslySetInnerHTML={{ __html: earlyScript }} />
        <noscript>This chat needs JavaScript.</noscript>
        {children}
      </body>
    </html>
  );
}
