// The coefficients of a price, on demand.

import { sum, sumText } from '../words';
import type { Coefficients, Offer } from './types';

const FACTORS: readonly (readonly [keyof Coefficients, string, string])[] = [
  ['territory', 'Территория', 'по месту прописки собственника'],
  ['bonusMalus', 'КБМ', 'меньше единицы — скидка за езду без аварий'],
  ['ageExperience', 'Возраст и стаж', 'по самому молодому и неопытному водителю'],
  ['driverRestriction', 'Круг водителей', 'больше единицы, если за руль сядет кто угодно'],
  ['power', 'Мощность двигателя', 'чем мощнее, тем дороже'],
  ['season', 'Период использования', 'меньше единицы, если ездить не весь год'],
];

interface Props {
  coefficients: Coefficients;
  premium: Offer['premium'];
}

export function Factors({ coefficients, premium }: Props) {
  const { whole, fraction, sign } = sum(coefficients.baseRate, premium.currency);
  return (
      <dl class="factors">
        <Line title="Базовый тариф" why="компания выбирает его в границах, которые задал Банк России">
          {whole}
          {fraction && `,${fraction}`} {sign}
        </Line>
        {FACTORS.map(([key, title, why]) => (
          <Line key={key} title={title} why={why}>
            × {coefficients[key].replace('.', ',')}
          </Line>
        ))}
        <Line title="Цена полиса" why={isCapped(coefficients, premium.amount) ? 'закон ограничивает её сверху' : ''} total>
          {sumText(premium.amount, premium.currency)}
        </Line>
      </dl>
  );
}

function Line(props: { title: string; why: string; total?: boolean; children: preact.ComponentChildren }) {
  return (
    <div class={props.total ? 'factors__line factors__line--total' : 'factors__line'}>
      <dt>
        {props.title}
        {props.why && <small>{props.why}</small>}
      </dt>
      <dd>{props.children}</dd>
    </div>
  );
}

/** Whether the product of the factors is more than is asked for. */
function isCapped(coefficients: Coefficients, amount: string): boolean {
  const product = [coefficients.baseRate, ...FACTORS.map(([key]) => coefficients[key])]
    .map(Number)
    .reduce((soFar, factor) => soFar * factor, 1);
  return product - Number(amount) > 1;
}
