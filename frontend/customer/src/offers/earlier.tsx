// The way back: requests that this browser still keeps, with their best price.

import { moment, sumText } from '../words';
import { useNow } from '../clock';
import { allKept } from './kept';
import { bestOf, offersOf, payable, Request } from './state';

const SHOWN_MAX = 4;
const TICK_MS = 30_000;

export function Earlier() {
  const nowMs = useNow(TICK_MS);
  const requests = allKept().slice(0, SHOWN_MAX);
  if (!requests.length) return null;
  return (
    <nav class="earlier card" aria-labelledby="earlier-title">
      <h2 class="earlier__title" id="earlier-title">
        Ваши расчёты
      </h2>
      <ul>
        {requests.map((request) => (
          <li key={request.number}>
            <a class="earlier__one" href={`#/${request.number}`}>
              <span class="earlier__car">{request.title || 'Заявление'}</span>
              <span class="earlier__price">{price(request, nowMs)}</span>
              <small>
                № {request.number}, {moment(request.startedAtMs)}
              </small>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function price(request: Request, nowMs: number): string {
  const best = bestOf(offersOf(request, nowMs), nowMs);
  if (best) return `от ${sumText(payable(best.offer).amount, payable(best.offer).currency)}`;
  return request.end ? 'нет предложений' : 'считаем…';
}
