export function policy(html: string, serverUrl: string): string;
export function withPolicy(html: string, serverUrl: string): string;
