// The section about the policy itself.

import { counted, dayAhead } from '../words';
import { serverNow } from '../clock';
import { useForm } from './context';
import { textOf } from './draft';
import { Choice, Text } from './fields';
import { Section } from './section';
import { USAGE_MONTHS_MAX, USAGE_MONTHS_MIN } from './table';

const MONTHS = Array.from({ length: USAGE_MONTHS_MAX - USAGE_MONTHS_MIN + 1 }, (_, at) => {
  const months = String(USAGE_MONTHS_MAX - at);
  return [months, months === '12' ? '12 месяцев — весь год' : counted(Number(months), 'месяц', 'месяца', 'месяцев')] as const;
});

export function Policy() {
  const { set, problems } = useForm();
  return (
    <Section id="policy" title="Полис" number={4}>
      <Text
        path="startsOn"
        label="Действует с"
        hint="С завтрашнего дня и до 60 дней вперёд"
      />
      <Choice path="usageMonths" label="Период использования" options={MONTHS} hint="Сколько месяцев в году вы ездите" />
      <div class="field field--full chips">
        {SOON.map(([days, label]) => (
          <button key={days} type="button" class="chip" onClick={() => set('startsOn', dayAhead(days))}>
            {label}
          </button>
        ))}
      </div>
      <div class="field field--full">
        <Consent />
        {problems['consent'] && <p class="field__problem">{problems['consent']}</p>}
      </div>
    </Section>
  );
}

const SOON = [
  [1, 'с завтрашнего дня'],
  [7, 'через неделю'],
  [30, 'через месяц'],
] as const;

/** Kept with its moment: the one at which it was given, not the one at which the application is sent. */
function Consent() {
  const { draft, problems, set } = useForm();
  return (
    <label class="switch">
      <input
        id="consent.givenAt"
        type="checkbox"
        role="switch"
        aria-invalid={'consent' in problems}
        checked={textOf(draft, 'consent.givenAt') !== ''}
        onChange={({ currentTarget }) =>
          set('consent.givenAt', currentTarget.checked ? new Date(serverNow()).toISOString() : '')
        }
      />
      <span class="switch__track" aria-hidden="true" />
      <span>
        Согласен на обработку данных страховыми компаниями
        <small>Собственник и водители знают, что я указал их данные</small>
      </span>
    </label>
  );
}
