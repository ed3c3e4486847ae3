/** Where pages about one thing are. */

export function messageAddress(id: string): string {
  return `/messages/${encodeURIComponent(id)}`;
}

export function recipientAddress(email: string): string {
  return `/recipients/${encodeURIComponent(email)}`;
}
