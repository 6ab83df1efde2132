// Insurers without an offer, quietly, below the offers: refusals with their reasons, breakdowns in one line.

import type { ApiProblem } from '../submit';
import { counted } from '../words';
import { cancelledIn, refusedBy, Request, silentIn } from './state';
import type { Quote, Reason } from './types';

/** The codes that insurers usually give, in the customer's words. */
const KNOWN: Readonly<Record<string, string>> = {
  KBM_TOO_HIGH: 'Из-за КБМ выше единицы: по истории страхования одного из водителей.',
  VEHICLE_TOO_OLD: 'Из-за возраста машины.',
  DRIVER_INEXPERIENCED: 'Из-за возраста или стажа одного из водителей.',
  REGION_NOT_SERVED: 'Компания не работает в регионе прописки собственника.',
  QUOTA_EXHAUSTED: 'Онлайн-полисы на сегодня у компании закончились: завтра она может ответить иначе.',
  MANUAL_REVIEW_REQUIRED: 'Компания оформит такой полис только в офисе.',
  CATEGORY_NOT_INSURED: 'Компания не страхует такие транспортные средства.',
};

interface Props {
  request: Request;
  /** Absent while it goes on. */
  onAskThem?: ((insurerIds: string[]) => void) | undefined;
  /** Shows these problems at their fields. */
  onMend: (problems: readonly ApiProblem[]) => void;
}

export function Refusals({ request, onAskThem, onMend }: Props) {
  const [refused, silent, cancelled] = [refusedBy(request), silentIn(request), cancelledIn(request)];
  const count = refused.length + silent.length + cancelled.length;
  if (!count) return null;
  return (
    <section class="refusals" aria-labelledby="refusals-title">
      <h2 id="refusals-title" class="refusals__title">
        Без предложения — {counted(count, 'компания', 'компании', 'компаний')}
      </h2>
      <ul>
        {refused.map((quote) => (
          <li key={quote.id} data-insurer={quote.insurer.id}>
            <span class="refusals__name">{quote.insurer.name}</span>
            <span class="refusals__why">
              <b>Отказ.</b> {reasonIn(quote.reason)}
              <Mend insurer={quote.insurer.name} problems={quote.reason?.problems ?? []} onMend={onMend} />
            </span>
          </li>
        ))}
        <Together quotes={silent} said="Не ответили">
          {onAskThem && refused.length + request.quotes.filter(({ offer }) => offer).length > 0 && (
            <button type="button" class="link" onClick={() => onAskThem(silent.map(({ insurer }) => insurer.id))}>
              Спросить {silent.length > 1 ? 'их' : 'её'} ещё раз
            </button>
          )}
        </Together>
        <Together quotes={cancelled} said="Не спросили: подбор остановлен" />
      </ul>
    </section>
  );
}

interface MendProps {
  insurer: string;
  problems: readonly ApiProblem[];
  onMend: (problems: readonly ApiProblem[]) => void;
}

/** What can be mended, and the way there. */
function Mend({ insurer, problems, onMend }: MendProps) {
  if (!problems.length) return null;
  return (
    <>
      {problems.map(({ path, message }) => (
        <span key={path.join('.')} class="refusals__problem">
          {message}
        </span>
      ))}
      <button type="button" class="link" aria-label={`Исправить для компании ${insurer}`} onClick={() => onMend(problems)}>
        Исправить
      </button>
    </>
  );
}

function reasonIn(reason: Reason | null): string {
  if (reason?.code !== 'INSURER_DECLINED') return reason?.message ?? '';
  return KNOWN[reason.insurerCode ?? ''] ?? 'Причину компания не назвала.';
}

interface TogetherProps {
  quotes: readonly Quote[];
  said: string;
  children?: preact.ComponentChildren;
}

/** Insurers without a reason to show, in one line. */
function Together({ quotes, said, children }: TogetherProps) {
  if (!quotes.length) return null;
  return (
    <li>
      <span class="refusals__name">{said}</span>
      <span class="refusals__why">
        {quotes.map((quote, at) => (
          <span key={quote.id} data-insurer={quote.insurer.id}>
            {at > 0 && ', '}
            {quote.insurer.name}
          </span>
        ))}
        . {children}
      </span>
    </li>
  );
}
