export const site: string;
export function pages(folder: string): { path: string; html: string }[];
export function scripts(html: string): { attributes: string; text: string; src: string | undefined }[];
