// Insurers side by side. Those with a problem come first, until another order is chosen.
import { useState } from 'preact/hooks';

import type { Viewed } from '../app';
import { duration, limit, number } from '../format';
import { StatusBar } from '../parts/statuses';
import type { Insurer } from '../types';
import { t } from '../words';

type Column = 'insurer' | 'waiting' | 'oldest' | 'inFlight' | 'answers' | 'asking' | 'calls' | 'limitCol' | 'state';

const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** How much an insurer needs to be looked at. */
export function severity(one: Insurer): number {
  return (one.circuit?.state === 'UNAVAILABLE' || one.circuit?.forced === 'open' ? 8 : 0) + (one.trouble ? 4 : 0) + (one.circuit?.state === 'RECOVERING' ? 2 : 0) + (one.pause ? 2 : 0) + (one.circuit?.forced ? 1 : 0);
}

const ORDERS: Record<Column, (one: Insurer) => number | string> = {
  insurer: (one) => one.name, waiting: (one) => -(one.waiting ?? 0), oldest: (one) => -(one.oldestS ?? 0), inFlight: (one) => -one.inFlight,
  answers: (one) => -total(one.answers), asking: (one) => -(one.askingP99S ?? 0), calls: (one) => -total(one.calls),
  limitCol: (one) => one.createLimit.count ?? Infinity, state: (one) => -severity(one),
};
const COLUMNS = Object.keys(ORDERS) as Column[];

export function Insurers({ view }: { view: Viewed }) {
  const [text, setText] = useState('');
  const [isOnly, setOnly] = useState(false);
  const wanted = text.trim().toLowerCase();
  const shown = view.snapshot.insurers.filter((one) => `${one.id} ${one.name}`.toLowerCase().includes(wanted) && (!isOnly || severity(one) > 0));
  return (
    <section class="card">
      <div class="head">
        <h1>{t('insurers')}</h1>
        <div class="filters">
          <input type="search" aria-label={t('filter')} placeholder={t('filter')} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          <label class="check"><input type="checkbox" checked={isOnly} onChange={(event) => setOnly(event.currentTarget.checked)} />{t('onlyProblems')}</label>
        </div>
      </div>
      {shown.length ? <InsurerTable insurers={shown} /> : <p class="empty">{view.snapshot.insurers.length ? t('nothingFound') : t('noInsurers')}</p>}
    </section>
  );
}

export function InsurerTable({ insurers, isBrief }: { insurers: Insurer[]; isBrief?: boolean }) {
  const [order, setOrder] = useState<Column>('state');
  const key = ORDERS[order];
  const sorted = [...insurers].sort((a, b) => {
    const [first, second] = [key(a), key(b)];
    return first < second ? -1 : first > second ? 1 : a.name.localeCompare(b.name);
  });
  return (
    <table class={isBrief ? 'insurers brief' : 'insurers'}>
      <thead>
        <tr>{COLUMNS.map((one) => (
          <th key={one} scope="col" class={one} aria-sort={one === order ? (one === 'insurer' || one === 'limitCol' ? 'ascending' : 'descending') : undefined}>
            <button class="sort" onClick={() => setOrder(one)}>{t(one)}</button>
          </th>))}
        </tr>
      </thead>
      <tbody>{sorted.map((one) => <Row key={one.id} one={one} />)}</tbody>
    </table>
  );
}

function Row({ one }: { one: Insurer }) {
  const isOld = (one.oldestS ?? 0) > 5;
  const failed = one.calls['failed'] ?? 0;
  return (
    <tr>
      <th scope="row" class="insurer"><a href={`#/insurers/${one.id}`}>{one.name}</a><small>{one.id}</small></th>
      <td class="waiting" data-name={t('waiting')}>{one.waiting === null ? '–' : number(one.waiting)}</td>
      <td class={isOld ? 'oldest wrong' : 'oldest'} data-name={t('oldest')}>{duration(one.oldestS)}</td>
      <td class="inFlight" data-name={t('inFlight')}>{number(one.inFlight)}<small> / {number(one.places)}</small></td>
      <td class="answers" data-name={t('answers')}><StatusBar answers={one.answers} /></td>
      <td class="asking" data-name={t('asking')}>{duration(one.askingP50S)}<small> / {duration(one.askingP99S)}</small></td>
      <td class="calls" data-name={t('calls')}>{number(total(one.calls))}{failed > 0 && <small> {number(failed)} {t('failedCalls')}</small>}</td>
      <td class="limitCol" data-name={t('limitCol')}>{limit(one.createLimit.count, one.createLimit.perS)}{one.createLimit.byControl && <small> {t('forced')}</small>}</td>
      <td class="state" data-name={t('state')}><State one={one} /></td>
    </tr>
  );
}

export function State({ one }: { one: Insurer }) {
  if (one.pause) return <span class="badge notice">{one.pause.hold ? t('pausedHold') : t('paused')}</span>;
  const circuit = one.circuit;
  if (!circuit) return <span class="badge">{t('notKnown')}</span>;
  if (circuit.forced) return <span class="badge notice">{t('circuit')}: {t(`${circuit.forced}_forced`)} {t('forced')}</span>;
  if (circuit.state === 'UNAVAILABLE') return <span class="badge alarm">{t('circuit')}: {t('UNAVAILABLE_circuit')} {duration(circuit.openS)}</span>;
  if (one.trouble) return <span class="badge alarm">{t(`c_${one.trouble}`)}</span>;
  if (circuit.state === 'RECOVERING') return <span class="badge notice">{t('circuit')}: {t('RECOVERING')}</span>;
  return <span class="badge good">{t('ok')}</span>;
}
