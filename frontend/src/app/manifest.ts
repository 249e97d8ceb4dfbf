import type { MetadataRoute } from "next";
import { about } from "./about";

export const dynamic = "force-static";

/** The web app manifest, for installation on a phone or a desktop. */
export default function manifest(): MetadataRoute.Manifest {
  return {
    name: about.name,
    short_name: about.name,
    description: about.description,
    id: "/",
    start_url: "/",
    scope: "/",
    lang: "en",
    categories: ["social"],
    display: "standalone",
    background_color: "#8a5be8",
    theme_color: "#6f63ec",
    icons: [
      { src: "/icon.svg", type: "image/svg+xml", sizes: "any", purpose: "any" },
      { src: "/icon-192.png", type: "image/png", sizes: "192x192", purpose: "any" },
      { src: "/icon-512.png", type: "image/png", sizes: "512x512", purpose: "any" },
      // The picture keeps away from the edges: any shape may be cut out of it.
      { src: "/icon-192.png", type: "image/png", sizes: "192x192", purpose: "maskable" },
      { src: "/icon-512.png", type: "image/png", sizes: "512x512", purpose: "maskable" },
    ],
    shortcuts: [{ name: "Lobby", url: "/", icons: [{ src: "/icon-192.png", type: "image/png", sizes: "192x192" }] }],
  };
}
