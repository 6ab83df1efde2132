// One line of what needs a hand: the subject, what is with it, the figure; it leads to where something can be done.
import { duration, number, share } from '../format';
import type { Concern, Snapshot } from '../types';
import { t } from '../words';

const OF_INSURERS = ['PAUSED', 'CIRCUIT_FORCED', 'CIRCUIT_OPEN', 'CIRCUIT_TRIAL', 'INSURER_FAILING', 'JOBS_WAIT', 'LANE_FULL', 'INSURER_BUSY'];
const SECONDS = ['PROCESS_SILENT', 'OUTBOX_WAITS', 'CIRCUIT_OPEN', 'JOBS_WAIT', 'INSURER_BUSY'];

export function ConcernLine({ concern, snapshot }: { concern: Concern; snapshot: Snapshot }) {
  const { code, subject = '', detail = '' } = concern;
  const isInsurer = OF_INSURERS.includes(code);
  const name = isInsurer ? snapshot.insurers.find((one) => one.id === subject)?.name ?? subject : subject;
  const address = isInsurer ? `#/insurers/${subject}` : code === 'DEAD_LETTERS' ? '#/letters' : code.startsWith('PROCESS') || code === 'NO_WORKER' ? '#/processes' : null;
  const words = (
    <>
      {name && <b>{name}</b>} <span>{t(`c_${code}`)}</span>
      <em>{[figure(concern), code === 'CIRCUIT_FORCED' ? t(`${detail}_forced`) : detail].filter(Boolean).join(' · ')}</em>
    </>
  );
  return (
    <li class={concern.urgency === 'NOTICE' ? 'notice' : 'alarm'}>
      {address ? <a href={address}>{words}</a> : <span class="line">{words}</span>}
    </li>
  );
}

function figure({ code, value }: Concern): string {
  if (value === undefined) return '';
  if (SECONDS.includes(code)) return duration(value);
  if (code === 'INSURER_FAILING') return `${share(value)} ${t('ofAnswers')}`;
  return code === 'FRAMES_SLOW' ? `${share(value)} < 500 ${t('ms')}` : number(value);
}
