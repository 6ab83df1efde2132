// Answers by status as one bar: its parts in a fixed order, so that bars can be compared.
import { number } from '../format';
import { t } from '../words';

export const STATUSES = ['OFFERED', 'DECLINED', 'UNAVAILABLE', 'NONE', 'TIMED_OUT', 'FAILED'] as const;

export function StatusBar({ answers }: { answers: Record<string, number> }) {
  const total = Object.values(answers).reduce((sum, count) => sum + count, 0);
  if (!total) return <span class="none">–</span>;
  const there = [...STATUSES, ...Object.keys(answers).filter((one) => !(STATUSES as readonly string[]).includes(one))]
    .filter((status) => answers[status]);
  const words = there.map((status) => `${t(status)} ${number(answers[status]!)}`).join(', ');
  return (
    <span class="answers" title={words}>
      <b>{number(total)}</b>
      <svg class="statuses" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={words}>
        {there.map((status, place) => {
          const before = there.slice(0, place).reduce((sum, one) => sum + answers[one]!, 0);
          return <rect key={status} class={`status-${status}`} x={(before / total) * 100} width={(answers[status]! / total) * 100} height="6" />;
        })}
      </svg>
    </span>
  );
}
