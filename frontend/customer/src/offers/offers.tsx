// The page of one request: offers as they come, the best one first.

import { useEffect, useRef, useState } from 'preact/hooks';

import type { ApiProblem } from '../submit';
import { useNow } from '../clock';
import { counted, kopecks, sumText } from '../words';
import { Card } from './card';
import { useFlip } from './flip';
import { Progress } from './progress';
import { Refusals } from './quiet';
import { bestOf, isExpired, Offered, offersOf, payable, refusedBy, Request, silentIn } from './state';
import { StubCard } from './stub';
import { useRequest } from './useRequest';

interface Props {
  number: string;
  /** How the drivers are called, as far as that is known here. */
  drivers: readonly string[];
  /** Asks these insurers, or all, once more; an obstacle in words comes back. */
  onAskAgain: (insurerIds?: string[]) => Promise<string | null>;
  /** Leads to the form; problems are shown at their fields. */
  onChange: (problems?: readonly ApiProblem[]) => void;
}

const TICK_MS = 500;

export function Offers({ number, drivers, onAskAgain, onChange }: Props) {
  const { request, connection, isRefused } = useRequest(number);
  const nowMs = useNow(TICK_MS);
  const [trouble, setTrouble] = useState('');
  const askAgain = (insurerIds?: string[]) => {
    setTrouble('');
    void onAskAgain(insurerIds).then((message) => setTrouble(message ?? ''));
  };
  const change = () => onChange();
  if (!request) return <Unknown onChange={change} />;

  const offers = offersOf(request, nowMs);
  const best = bestOf(offers, nowMs);
  const isWatching = !request.end && !isRefused;
  return (
    <>
      <Head request={request} offers={offers} best={best} isWatching={isWatching} onChange={change} />
      <Warnings found={request.warnings ?? []} onMend={onChange} />
      <Announcer request={request} best={best} />
      {trouble && (
        <div role="alert" class="notice notice--wrong">
          {trouble}
        </div>
      )}
      <div class={isWatching ? 'columns columns--live' : 'columns columns--done'}>
        {isWatching && <Progress request={request} connection={connection} nowMs={nowMs} />}
        <div class="columns__main">
          <List offers={offers} best={best} isWatching={isWatching} nowMs={nowMs} drivers={drivers} />
          {request.end?.stub && (
            <StubCard
              request={request}
              stub={request.end.stub}
              endedAtMs={request.end.atMs}
              nowMs={nowMs}
              onAskAgain={askAgain}
              onChange={change}
            />
          )}
          <Refusals request={request} onAskThem={isWatching ? undefined : askAgain} onMend={onChange} />
        </div>
        {!isWatching && !request.end?.stub && <Again request={request} offers={offers.length} onAskAgain={() => askAgain()} onChange={change} />}
      </div>
    </>
  );
}

interface HeadProps {
  request: Request;
  offers: readonly Offered[];
  best: Offered | undefined;
  isWatching: boolean;
  onChange: () => void;
}

function Head({ request, offers, best, isWatching, onChange }: HeadProps) {
  const title = useRef<HTMLHeadingElement>(null);
  const said = request.end?.stub?.title ?? headline(offers, best, isWatching, request.isLost);
  useEffect(() => title.current?.focus({ preventScroll: true }), [request.number]);
  useEffect(() => {
    const before = document.title;
    document.title = `${best ? price(best) : said} · ОСАГО сразу`;
    return () => {
      document.title = before;
    };
  }, [best && price(best), said]);
  return (
    <div class="head">
      <h1 ref={title} tabIndex={-1}>
        {said}
      </h1>
      <p class="head__note">
        {request.title && <span class="head__car">{request.title}</span>}
        <span>Заявление № {request.number}</span>
        {request.earlier && <a href={`#/${request.earlier}`}>Ответы остальных компаний</a>}
        <button type="button" class="link" onClick={onChange}>
          Изменить
        </button>
      </p>
    </div>
  );
}

function headline(offers: readonly Offered[], best: Offered | undefined, isWatching: boolean, isLost = false): string {
  if (isWatching) return best ? `Пока лучшая цена\u00a0— ${price(best)}` : 'Спрашиваем страховые компании';
  if (best) {
    const count = counted(offers.length, 'предложение', 'предложения', 'предложений');
    return `${count}${offers.length > 1 ? ', лучшее' : ''}\u00a0— ${price(best)}`;
  }
  if (isLost) return 'Заявление не сохранилось';
  return offers.length ? 'Срок предложений истёк' : 'Предложений нет';
}

const price = ({ offer }: Offered) => sumText(payable(offer).amount, payable(offer).currency);

interface ListProps {
  offers: readonly Offered[];
  best: Offered | undefined;
  isWatching: boolean;
  nowMs: number;
  drivers: readonly string[];
}

function List({ offers, best, isWatching, nowMs, drivers }: ListProps) {
  const list = useFlip<HTMLOListElement>();
  if (!offers.length && isWatching) return <Skeleton />;
  return (
    <ol class="offers" ref={list} aria-label="Предложения, сначала дешёвые">
      {offers.map((quote) => (
        <Card
          key={quote.id}
          quote={quote}
          isBest={quote === best}
          saving={saving(offers, nowMs)}
          nowMs={nowMs}
          drivers={drivers}
        />
      ))}
    </ol>
  );
}

/** Between the cheapest and the dearest offer that hold, in whole roubles; none where they are alike. */
function saving(offers: readonly Offered[], nowMs: number): string | undefined {
  const valid = offers.filter((quote) => !isExpired(quote.offer, nowMs)).map((quote) => payable(quote.offer));
  const [first, last] = [valid[0], valid.at(-1)];
  if (!first || !last || first.currency !== last.currency) return undefined;
  const roubles = Math.floor((kopecks(last.amount) - kopecks(first.amount)) / 100);
  return roubles > 0 ? sumText(String(roubles), first.currency) : undefined;
}

/** Places where the first offers will stand. */
function Skeleton() {
  return (
    <div class="offers" aria-hidden="true">
      {[0, 1, 2].map((at) => (
        <div key={at} class="offer offer--skeleton card" />
      ))}
    </div>
  );
}

interface WarningsProps {
  found: readonly ApiProblem[];
  onMend: (problems: readonly ApiProblem[]) => void;
}

/** What was accepted and may yet be a typing error. */
function Warnings({ found, onMend }: WarningsProps) {
  if (!found.length) return null;
  return (
    <div class="notice notice--doubt">
      <p>Заявление принято. Нет ли в нём опечатки?</p>
      <ul>
        {found.map(({ path, message }) => (
          <li key={path.join('.')}>{message}</li>
        ))}
      </ul>
      <button type="button" class="link" onClick={() => onMend(found)}>
        Проверить
      </button>
    </div>
  );
}

/** Announces new offers to a screen reader. */
function Announcer({ request, best }: { request: Request; best: Offered | undefined }) {
  const last = request.quotes.at(-1);
  const text = request.end
    ? best
      ? `Подбор окончен. Лучшая цена: ${price(best)}, ${best.insurer.name}.`
      : 'Подбор окончен. Предложений нет.'
    : last?.offer
      ? `${last.insurer.name}: ${price(last as Offered)}${last === best ? ', пока лучшая цена' : ''}.`
      : '';
  return (
    <p class="visually-hidden" role="status">
      {text}
    </p>
  );
}

interface AgainProps {
  request: Request;
  offers: number;
  onAskAgain: () => void;
  onChange: () => void;
}

/** `1 предложение · 10 отказов · 1 без ответа`. */
function tally(request: Request, offers: number): string {
  const [refused, silent] = [refusedBy(request).length, request.insurers.length - request.quotes.length + silentIn(request).length];
  const parts = [
    offers && counted(offers, 'предложение', 'предложения', 'предложений'),
    refused && counted(refused, 'отказ', 'отказа', 'отказов'),
    silent && `${silent} без ответа`,
  ];
  return parts
    .filter(Boolean)
    .map((part) => String(part).replace(/ /g, '\u00a0'))
    .join(' · ');
}

function Again({ request, offers, onAskAgain, onChange }: AgainProps) {
  return (
    <aside class="again card" aria-labelledby="again-title">
      <h2 class="again__title" id="again-title">
        {request.isLost ? 'Подбор прервался' : request.end ? 'Подбор окончен' : 'Время подбора вышло'}
      </h2>
      <p>{tally(request, offers)}</p>
      <p>
        {request.isLost
          ? 'Из-за сбоя заявление не сохранилось, и новых предложений по нему не будет. Запросите цены ещё раз.'
          : 'Цены меняются: их можно запросить ещё раз с теми же данными.'}
      </p>
      <button type="button" class="button button--quiet" onClick={onAskAgain}>
        Запросить снова
      </button>
      <button type="button" class="button button--plain" onClick={onChange}>
        Изменить заявление
      </button>
    </aside>
  );
}

function Unknown({ onChange }: { onChange: () => void }) {
  return (
    <div class="head">
      <h1>Такого заявления здесь нет</h1>
      <p class="head__note">Оно открывается в том браузере, в котором его заполнили, в течение суток.</p>
      <button type="button" class="button button--main" onClick={onChange}>
        К заявлению
      </button>
    </div>
  );
}
