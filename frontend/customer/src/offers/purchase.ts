// Where the customer goes to buy. An address that is not plainly https is none: no script, no hidden user name.

export function purchaseLink(address: string | null): URL | null {
  if (!address) return null;
  try {
    const url = new URL(address);
    return url.protocol === 'https:' && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}
