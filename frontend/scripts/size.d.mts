export function firstLoad(html: string, read: (src: string) => Buffer): number;
