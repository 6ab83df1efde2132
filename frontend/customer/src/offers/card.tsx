// One offer: insurer, price, validity, link to buy, and the coefficients of the price.

import { useId, useState } from 'preact/hooks';

import { day, moment, sum, sumText } from '../words';
import { Avatar } from './avatar';
import { Extras } from './extras';
import { Factors } from './factors';
import { purchaseLink } from './purchase';
import { isExpired, Offered, payable } from './state';

interface Props {
  quote: Offered;
  isBest: boolean;
  /** How much cheaper than the dearest offer, ready to read. */
  saving: string | undefined;
  nowMs: number;
  /** How the drivers are called, as far as that is known here. */
  drivers: readonly string[];
}

export function Card({ quote, isBest, saving, nowMs, drivers }: Props) {
  const expired = isExpired(quote.offer, nowMs);
  const [isExplained, setExplained] = useState(false);
  const panel = useId();
  const kind = expired ? ' offer--expired' : isBest ? ' offer--best' : '';
  return (
    <li class={`offer card${kind}`} data-key={quote.id} data-insurer={quote.insurer.id}>
      {isBest && (
        <p class="offer__badge">
          Лучшая цена{saving && <span class="offer__saving"> — на {saving} дешевле самой высокой</span>}
        </p>
      )}
      <div class="offer__row">
        <Avatar insurer={quote.insurer} />
        <div class="offer__who">
          <h2 class="offer__name">{quote.insurer.name}</h2>
          <p class="offer__meta">
            <span>{validity(quote.offer.validUntil, expired)}</span>
            {quote.offer.startsOn && <b class="offer__moved">Начнёт действовать {day(quote.offer.startsOn)}</b>}
            {quote.offer.coefficients && (
              <button
                type="button"
                class="offer__why"
                aria-expanded={isExplained}
                aria-controls={panel}
                aria-label={`Как посчитали цену: ${quote.insurer.name}`}
                onClick={() => setExplained(!isExplained)}
              >
                Как посчитали
              </button>
            )}
          </p>
        </div>
        <Price {...payable(quote.offer)} />
        {expired ? <p class="offer__buy offer__nolink">Не продаётся</p> : <Buy quote={quote} isBest={isBest} />}
      </div>
      <Extras offer={quote.offer} />
      <div id={panel} hidden={!isExplained}>
        {isExplained && quote.offer.coefficients && (
          <Factors coefficients={quote.offer.coefficients} premium={quote.offer.premium} drivers={drivers} />
        )}
      </div>
    </li>
  );
}

function validity(until: string | null, expired: boolean): string {
  if (!until) return 'Срок уточнит компания';
  return expired ? `Срок истёк ${moment(until)}` : `До ${moment(until)}`;
}

function Price({ amount, currency }: { amount: string; currency: string }) {
  const { whole, fraction, sign } = sum(amount, currency);
  return (
    <p class="offer__price">
      {whole}
      {fraction && <span class="offer__kopecks">,{fraction}</span>} <span class="offer__sign">{sign}</span>
    </p>
  );
}

function saidOf({ insurer, offer }: Offered): string {
  const parts = [insurer.name, sumText(payable(offer).amount, payable(offer).currency)];
  return [...parts, ...(offer.validUntil ? [`действует до ${moment(offer.validUntil)}`] : [])].join(', ');
}

function Buy({ quote, isBest }: { quote: Offered; isBest: boolean }) {
  const link = purchaseLink(quote.offer.purchaseUrl);
  if (!link) return <p class="offer__buy offer__nolink">Оформление — у компании</p>;
  return (
    <a
      class={`button offer__buy ${isBest ? 'button--main' : 'button--soft'}`}
      href={link.href}
      target="_blank"
      rel="noopener noreferrer"
      title={link.hostname}
      aria-label={`Оформить полис: ${saidOf(quote)}, откроется ${link.hostname} в новой вкладке`}
    >
      Оформить
    </a>
  );
}
