// One line of what needs a hand: the subject, what is with it, the figure. It leads to where something can be done, and to its runbook.
import { duration, number, share } from '../format';
import type { Concern, Snapshot } from '../types';
import { t } from '../words';

const OF_INSURERS = [
  'PAUSED', 'CIRCUIT_FORCED', 'CIRCUIT_OPEN', 'CIRCUIT_TRIAL', 'INSURER_FAILING', 'INSURER_HANGS', 'INSURER_BUSY', 'INSURER_SLOW', 'CALLS_PUT_OFF', 'JOBS_WAIT', 'LANE_FULL',
];
const OF_PROCESSES = ['NO_WORKER', 'NOTIFIER_DOWN', 'CLOCK_OFF', 'SLOW_READERS'];
const SECONDS = ['PROCESS_SILENT', 'OUTBOX_WAITS', 'CIRCUIT_OPEN', 'JOBS_WAIT', 'CALLS_PUT_OFF', 'INSURER_SLOW', 'SERVER_SLOW', 'NOTIFIER_DOWN'];
const SHARES = ['INSURER_FAILING', 'INSURER_HANGS', 'INSURER_BUSY'];

export function ConcernLine({ concern, snapshot }: { concern: Concern; snapshot: Snapshot }) {
  const { code, subject = '', detail = '' } = concern;
  const isInsurer = OF_INSURERS.includes(code);
  const name = isInsurer ? snapshot.insurers.find((one) => one.id === subject)?.name ?? subject : subject;
  const words = (
    <>
      {name && <b>{name}</b>} <span>{t(`c_${code}`)}</span>
      <em>{[figure(concern), code === 'CIRCUIT_FORCED' ? t(`${detail}_forced`) : inWords(detail)].filter(Boolean).join(' · ')}</em>
    </>
  );
  const address = isInsurer ? `#/insurers/${subject}` : code === 'DEAD_LETTERS' ? '#/letters' : code.startsWith('PROCESS') || OF_PROCESSES.includes(code) ? '#/processes' : null;
  return (
    <li class={concern.urgency === 'NOTICE' ? 'notice' : 'alarm'}>
      {address ? <a href={address}>{words}</a> : <span class="line">{words}</span>}
      {concern.runbook && concern.urgency !== 'NOTICE' && <RunbookLink name={concern.runbook} of={`${name} ${t(`c_${code}`)}`} />}
    </li>
  );
}

/** A detail that begins with a step of asking has its word. */
export const inWords = (detail: string) => detail.replace(/^(create|poll|callback)\b/, (step) => t(`st_${step}`));

export function RunbookLink({ name, of }: { name: string; of: string }) {
  return <a class="runbook" href={`#/runbook/${name}`} aria-label={`${t('runbook')}: ${of.trim()}`}>{t('runbook')}</a>;
}

function figure({ code, value, usual }: Concern): string {
  if (value === undefined) return '';
  if (SECONDS.includes(code)) return usual === undefined ? duration(value) : `${duration(value)}, ${t('usually')} ${duration(usual)}`;
  if (SHARES.includes(code)) return `${share(value)} ${t(code === 'INSURER_FAILING' ? 'ofThem' : 'ofCalls')}`;
  if (code === 'CLOCK_OFF') return `${value < 0 ? '−' : '+'}${duration(Math.abs(value))}`;
  return code === 'FRAMES_SLOW' ? `${share(value)} < 500 ${t('ms')}` : number(value);
}
