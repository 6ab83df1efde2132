// Progress of the request: seconds left, number of answers, insurers still awaited.

import { counted } from '../words';
import { Avatar } from './avatar';
import { awaitedOf, Request } from './state';
import type { Connection } from './watch';

const RADIUS = 26;
const ROUND = 2 * Math.PI * RADIUS;

export function Progress({ request, connection, nowMs }: { request: Request; connection: Connection; nowMs: number }) {
  const answered = request.quotes.length;
  const total = request.insurers.length;
  const awaited = awaitedOf(request);
  return (
    <aside class="progress card" aria-label="Ход подбора">
      <div class="progress__head">
        <Countdown request={request} nowMs={nowMs} />
        <div class="progress__text">
          <p class="progress__title">
            Проверили {answered} из {total}
          </p>
          <p class="progress__note" role="status">
            {connection === 'lost' ? 'Связь потеряна, восстанавливаем…' : `Ждём ещё ${counted(awaited.length, 'компанию', 'компании', 'компаний')}`}
          </p>
        </div>
      </div>
      <div
        class="progress__bar"
        role="progressbar"
        aria-label="Проверили"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={answered}
      >
        <span style={{ transform: `scaleX(${total ? answered / total : 0})` }} />
      </div>
      <ul class="awaited" aria-label="Ещё не ответили">
        {awaited.map((insurer) => (
          <li key={insurer.id}>
            <Avatar insurer={insurer} small />
            <span class="awaited__name">{insurer.name}</span>
          </li>
        ))}
      </ul>
    </aside>
  );
}

function Countdown({ request, nowMs }: { request: Request; nowMs: number }) {
  const leftMs = Math.max(0, request.endsAtMs - nowMs);
  const share = leftMs / Math.max(1, request.endsAtMs - request.startedAtMs);
  const seconds = Math.ceil(leftMs / 1000);
  return (
    <div class="countdown" role="timer" aria-label={`Осталось ${counted(seconds, 'секунда', 'секунды', 'секунд')}`}>
      <svg viewBox="0 0 60 60" aria-hidden="true">
        <circle class="countdown__track" cx="30" cy="30" r={RADIUS} />
        <circle
          class="countdown__left"
          cx="30"
          cy="30"
          r={RADIUS}
          stroke-dasharray={ROUND}
          stroke-dashoffset={ROUND * (1 - share)}
        />
      </svg>
      <span aria-hidden="true">{seconds}</span>
    </div>
  );
}
