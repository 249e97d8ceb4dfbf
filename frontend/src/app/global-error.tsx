"use client";

import "./globals.css";
import { Broken } from "@/ui/Broken";

/** Stands in for the whole document: what moved a part of the page may have moved all of it. */
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
