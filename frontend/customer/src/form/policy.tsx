// The section about the policy itself.

import { counted, dayAhead } from '../words';
import { useForm } from './context';
import { Choice, Text } from './fields';
import { policyNumber, policySeries } from './masks';
import { More, Section } from './section';
import { USAGE_MONTHS_MAX, USAGE_MONTHS_MIN } from './table';

const MONTHS = Array.from({ length: USAGE_MONTHS_MAX - USAGE_MONTHS_MIN + 1 }, (_, at) => {
  const months = String(USAGE_MONTHS_MAX - at);
  return [months, months === '12' ? '12 месяцев — весь год' : counted(Number(months), 'месяц', 'месяца', 'месяцев')] as const;
});

export function Policy() {
  const { set } = useForm();
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
      <Previous />
    </Section>
  );
}

const PREVIOUS = ['previousPolicy.series', 'previousPolicy.number'] as const;

function Previous() {
  return (
    <More title="Был полис на эту машину?" paths={PREVIOUS}>
      <Text path="previousPolicy.series" label="Серия прежнего полиса" mask={policySeries} optional hint="Три буквы: ХХХ" code />
      <Text path="previousPolicy.number" label="Номер прежнего полиса" mask={policyNumber} inputMode="numeric" optional hint="10 цифр" code />
    </More>
  );
}

const SOON = [
  [1, 'с завтрашнего дня'],
  [7, 'через неделю'],
  [30, 'через месяц'],
] as const;
