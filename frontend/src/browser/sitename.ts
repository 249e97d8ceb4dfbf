/** The name of the site, in titles, on the form and where it is installed: a setting of the build. */
export const siteName = siteNameOf(process.env.NEXT_PUBLIC_SITE_NAME);

export function siteNameOf(given: string | undefined): string {
  return given?.trim() || "Chat";
}
