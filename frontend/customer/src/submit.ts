// Hands the application to core-app. A repeated submission of the same content has the same key: it stays one application.

export interface Insurer {
  id: string;
  name: string;
}

export interface Accepted {
  number: string;
  requestId: string;
  watchToken: string;
  expiresAt: string;
  remainingSeconds: number;
  insurers: Insurer[];
  events: string;
}

export interface ApiProblem {
  path: string[];
  code: string;
  message: string;
}

export type Submission =
  | { kind: 'accepted'; accepted: Accepted }
  | { kind: 'problems'; problems: ApiProblem[] }
  | { kind: 'trouble'; message: string };

const ANSWER_MS_MOST = 5_000;
const NO_CONNECTION = 'Нет связи с сервисом. Заявление сохранено на этой странице: проверьте интернет и отправьте ещё раз.';
const KEY = 'osago:submission';

export async function submit(application: unknown, isNew = false): Promise<Submission> {
  const body = JSON.stringify({ application });
  try {
    const response = await fetch('/applications', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': keyOf(body, isNew) },
      body,
      signal: AbortSignal.timeout(ANSWER_MS_MOST),
    });
    return answered(response, await response.json());
  } catch {
    return { kind: 'trouble', message: NO_CONNECTION };
  }
}

type Answer = Accepted & { problems?: ApiProblem[]; title?: string; retryAfterSeconds?: number };

function answered(response: Response, answer: Answer): Submission {
  if (response.status === 202) {
    sessionStorage.removeItem(KEY);
    return { kind: 'accepted', accepted: answer };
  }
  if (answer.problems?.length) return { kind: 'problems', problems: answer.problems };
  return { kind: 'trouble', message: trouble(answer.title, answer.retryAfterSeconds) };
}

function trouble(title: string | undefined, retryAfterSeconds: number | undefined): string {
  const when = retryAfterSeconds ? ` Попробуйте ещё раз через ${Math.ceil(retryAfterSeconds)} с.` : '';
  return `${title ?? 'Сервис ответил непонятно.'}${when}`;
}

/** The key of this content, the same until it is accepted, or the customer asks anew. */
function keyOf(body: string, isNew: boolean): string {
  const [key, known] = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
  if (key && known === checksum(body) && !isNew) return key;
  const fresh = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  sessionStorage.setItem(KEY, JSON.stringify([fresh, checksum(body)]));
  return fresh;
}

/** A hash of the content: equal contents have equal hashes, and no more is needed. */
function checksum(text: string): number {
  let sum = 2166136261;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 16777619);
  return sum;
}
