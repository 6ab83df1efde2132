// Calls to /operator/api. A change carries a header that no form of another page can send.

export class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly retryAfterS: number | null) {
    super(message);
  }
}

const TIME_MS_MAX = 15_000;

export async function call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/operator/api/${path}`, {
      method,
      headers: { 'X-Osago-Console': '1', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIME_MS_MAX),
    });
  } catch {
    throw new Refusal(0, 'OFFLINE', '', null);
  }
  const text = await response.text();
  const document = parsed(text);
  if (response.ok) return document as T;
  if (response.status === 401 && path !== 'session') signedOut();
  const retryAfterS = Number(document['retryAfterSeconds']);
  throw new Refusal(response.status, String(document['code'] ?? 'INTERNAL'), String(document['message'] ?? ''), retryAfterS || null);
}

let signedOut = () => {};

/** What happens when the session is over. */
export function onSignedOut(callback: () => void) {
  signedOut = callback;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
