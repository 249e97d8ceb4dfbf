"use client";

import "./globals.css";
import { siteName } from "@/browser/sitename";
import { Broken } from "@/ui/Broken";

/** Replaces the whole document: if a part of the page was moved, all of it may have been. */
export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <title>{siteName}</title>
        <Broken />
      </body>
    </html>
  );
}
