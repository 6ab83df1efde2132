// The text shown without any offer; its title is the page's.

import { counted, duration } from '../words';
import { refusedBy, Request, silentIn } from './state';
import type { Stub } from './types';

interface Props {
  request: Request;
  stub: Stub;
  endedAtMs: number;
  nowMs: number;
  onAskAgain: (insurerIds?: string[]) => void;
  onChange: () => void;
}

export function StubCard({ request, stub, endedAtMs, nowMs, onAskAgain, onChange }: Props) {
  const waits = stub.retryAfterSeconds !== null;
  const waitS = waits ? Math.max(0, Math.ceil((stub.retryAfterSeconds ?? 0) - (nowMs - endedAtMs) / 1000)) : 0;
  const silent = silentIn(request).map(({ insurer }) => insurer.id);
  const asksSome = silent.length > 0 && refusedBy(request).length > 0;
  return (
    <section class="stub card" aria-label={stub.title}>
      <svg class="stub__picture" viewBox="0 0 120 72" aria-hidden="true">
        <path d="M8 60h104" />
        <path d="M22 52V40c0-3 2-5 5-6l9-2 10-13c2-2 4-3 7-3h20c3 0 6 1 8 4l9 12 9 2c3 1 5 3 5 6v12z" />
        <circle cx="38" cy="54" r="8" />
        <circle cx="86" cy="54" r="8" />
      </svg>
      <p>{stub.message}</p>
      <div class="stub__actions">
        {waits && (
          <button type="button" class="button button--main" onClick={() => onAskAgain(asksSome ? silent : undefined)}>
            {asksSome
              ? `Спросить ещё раз ${counted(silent.length, 'компанию', 'компании', 'компаний')}`
              : 'Спросить ещё раз'}
          </button>
        )}
        <button type="button" class="button button--quiet" onClick={onChange}>
          Изменить заявление
        </button>
      </div>
      {waits && waitS > 0 && (
        <p class="stub__wait">Лучше подождать ещё {duration(waitS)}: так больше шансов.</p>
      )}
    </section>
  );
}
