"use client";

import "./globals.css";
import { Broken } from "@/ui/Broken";

/** Stands in for the whole document, where not even the page could be taken away. */
export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <title>Chat</title>
        <Broken />
      </body>
    </html>
  );
}
