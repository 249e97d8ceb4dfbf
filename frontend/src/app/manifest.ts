import type { MetadataRoute } from "next";
import { about } from "./about";

export const dynamic = "force-static";

/** The web app manifest, for installation on a phone or a desktop. */
export default function manifest(): MetadataRoute.Manifest {
  return {
    name: about.name,
    short_name: about.name,
    description: about.description,
    start_url: "/",
    display: "standalone",
    background_color: "#8a5be8",
    theme_color: "#6f63ec",
    icons: [
      { src: "/icon.svg", type: "image/svg+xml", sizes: "any", purpose: "any" },
      { src: "/icon-192.png", type: "image/png", sizes: "192x192", purpose: "any" },
      { src: "/icon-512.png", type: "image/png", sizes: "512x512", purpose: "any" },
      { src: "/icon-512.png", type: "image/png", sizes: "512x512", purpose: "maskable" },
    ],
  };
}
