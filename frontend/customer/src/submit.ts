// Hands the application to core-app. A repeated submission of the same content has the same key: it stays one application.

import { setClock } from './clock';
import { tabShelf } from './storage';

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
  /** What may be a typing error, though it was accepted. */
  warnings?: ApiProblem[];
}

export interface ApiProblem {
  path: string[];
  code: string;
  message: string;
}

export type Submission =
  | { kind: 'accepted'; accepted: Accepted }
  | { kind: 'problems'; problems: ApiProblem[] }
  | { kind: 'trouble'; message: string }
  /** Welcome again after these seconds. */
  | { kind: 'busy'; message: string; waitS: number };

/** core-app answers within a second, also if its aggregator does not. */
const ANSWER_MS_MAX = 2_500;
const OFFLINE = 'Нет интернета. Заявление сохранено на этой странице: отправьте его ещё раз, когда связь появится.';
const SILENT = 'Сервис не отвечает. Заявление сохранено на этой странице: отправьте его ещё раз чуть позже.';
const TOO_MANY = 429;
const KEY = 'osago:submission';

interface Options {
  /** A submission of its own, though the content is the same. */
  isNew?: boolean;
  /** Ask these alone. */
  insurerIds?: readonly string[] | undefined;
}

export async function submit(application: unknown, { isNew = false, insurerIds }: Options = {}): Promise<Submission> {
  const body = JSON.stringify({ application, insurerIds });
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), ANSWER_MS_MAX);
  try {
    const response = await fetch('/applications', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': keyOf(body, isNew) },
      body,
      signal: silence.signal,
    });
    return answered(response, await response.json());
  } catch {
    return { kind: 'trouble', message: navigator.onLine ? SILENT : OFFLINE };
  } finally {
    clearTimeout(timer);
  }
}

type Answer = Accepted & { problems?: ApiProblem[]; title?: string; retryAfterSeconds?: number };

function answered(response: Response, answer: Answer): Submission {
  if (response.status === 202) {
    tabShelf.remove(KEY);
    setClock(Date.parse(answer.expiresAt) - answer.remainingSeconds * 1000);
    return { kind: 'accepted', accepted: answer };
  }
  if (answer.problems?.length) return { kind: 'problems', problems: answer.problems };
  const { title: message = 'Сервис ответил непонятно.', retryAfterSeconds } = answer;
  if (retryAfterSeconds === undefined) return { kind: 'trouble', message };
  const waitS = Math.max(1, Math.ceil(retryAfterSeconds));
  if (response.status === TOO_MANY) return { kind: 'busy', message, waitS };
  return { kind: 'trouble', message: `${message} Попробуйте ещё раз через ${waitS} с.` };
}

/** The key of this content, the same until it is accepted, or the customer asks anew. */
function keyOf(body: string, isNew: boolean): string {
  const [key, known] = (tabShelf.read(KEY) ?? '').split(' ');
  const sum = String(checksum(body));
  if (key && known === sum && !isNew) return key;
  const fresh = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  tabShelf.write(KEY, `${fresh} ${sum}`);
  return fresh;
}

/** A hash of the content: equal contents have equal hashes, and no more is needed. */
function checksum(text: string): number {
  let sum = 2166136261;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 16777619);
  return sum;
}
