// The coefficients of a price, on demand, each with what it does to the price.

import { sum, sumText } from '../words';
import type { Coefficients, Offer } from './types';

type Factor = Exclude<keyof Coefficients, 'baseRate' | 'drivers'>;
type Why = (factors: Coefficients, drivers: readonly string[]) => string;

const FACTORS: readonly (readonly [Factor, string, Why])[] = [
  ['territory', 'Территория', () => 'по месту прописки собственника'],
  ['bonusMalus', 'КБМ', (factors, drivers) => `${ofHistory(factors)}${ofDriver('bonusMalus', factors, drivers)}`],
  ['ageExperience', 'Возраст и стаж', (factors, drivers) => ofDriver('ageExperience', factors, drivers) || 'по самому молодому и неопытному водителю'],
  ['driverRestriction', 'Круг водителей', ({ driverRestriction }) => (Number(driverRestriction) > 1 ? 'за руль сядет кто угодно' : 'вписаны все, кто поедет')],
  ['power', 'Мощность двигателя', () => 'чем мощнее, тем дороже'],
  ['season', 'Период использования', ({ season }) => (Number(season) < 1 ? 'ездят не весь год' : 'ездят весь год')],
  ['trailer', 'Прицеп', () => 'едет с прицепом'],
];

/** The class without any history. */
const NO_HISTORY = 1.17;

function ofHistory({ bonusMalus, driverRestriction }: Coefficients): string {
  const value = Number(bonusMalus);
  if (value < 1) return 'за езду без аварий';
  if (value === 1) return 'скидка ещё не накоплена';
  if (value > NO_HISTORY) return 'были аварии по вине водителя';
  return Number(driverRestriction) > 1 ? 'одинаков для всех, если водителей не ограничивают' : 'как без истории страхования';
}

/** Which of several drivers decides: the one with the largest factor. */
function ofDriver(key: 'bonusMalus' | 'ageExperience', { drivers, ...factors }: Coefficients, names: readonly string[]): string {
  if (!drivers || drivers.length < 2) return '';
  const at = drivers.findIndex((driver) => Number(driver[key]) === Number(factors[key]));
  if (at < 0) return '';
  const who = names[at] ?? `водитель ${at + 1}`;
  return key === 'bonusMalus' ? `, решает ${who}` : `решает ${who}`;
}

/** `дороже на 17 %`, `дешевле на 54 %`. */
function effect(factor: string): string {
  const percent = Math.round((Number(factor) - 1) * 1000) / 10;
  if (!percent) return 'цену не меняет';
  const size = String(Math.abs(percent)).replace('.', ',');
  return percent > 0 ? `дороже на ${size}\u00a0%` : `дешевле на ${size}\u00a0%`;
}

interface Props {
  coefficients: Coefficients;
  premium: Offer['premium'];
  drivers: readonly string[];
}

export function Factors({ coefficients, premium, drivers }: Props) {
  const { whole, fraction, sign } = sum(coefficients.baseRate, premium.currency);
  return (
    <dl class="factors">
      <Line title="Базовый тариф" why="компания выбирает его в границах, которые задал Банк России">
        {whole}
        {fraction && `,${fraction}`} {sign}
      </Line>
      {FACTORS.map(([key, title, why]) => {
        const value = coefficients[key];
        if (value === undefined || (key === 'trailer' && Number(value) === 1)) return null;
        return (
          <Line key={key} title={title} why={`${effect(value)}: ${why(coefficients, drivers)}`}>
            × {value.replace('.', ',')}
          </Line>
        );
      })}
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
  const product = FACTORS.reduce((soFar, [key]) => soFar * Number(coefficients[key] ?? 1), Number(coefficients.baseRate));
  return product - Number(amount) > 1;
}
