// Insurers without an offer, and the reasons: quietly, below the offers.

import { counted } from '../words';
import type { Quote, Status } from './types';

const WORDS: Readonly<Record<Status, string>> = {
  OFFERED: '',
  DECLINED: 'Отказ',
  FAILED: 'Сбой у компании',
  UNAVAILABLE: 'Временно недоступна',
  TIMED_OUT: 'Не успела ответить',
  CANCELLED: 'Не спросили',
};

export function Refusals({ quotes }: { quotes: readonly Quote[] }) {
  if (!quotes.length) return null;
  return (
    <section class="refusals" aria-labelledby="refusals-title">
      <h2 id="refusals-title" class="refusals__title">
        Без предложения — {counted(quotes.length, 'компания', 'компании', 'компаний')}
      </h2>
      <ul>
        {quotes.map((quote) => (
          <li key={quote.id} data-insurer={quote.insurer.id}>
            <span class="refusals__name">{quote.insurer.name}</span>
            <span class="refusals__why">
              <b>{WORDS[quote.status]}.</b> {quote.reason?.message}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
