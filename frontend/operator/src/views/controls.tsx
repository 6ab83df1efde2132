// What is set by hand, and the audit: what was done, by which operator, why.
import { useEffect, useState } from 'preact/hooks';

import { call } from '../api';
import type { Viewed } from '../app';
import { dated } from '../format';
import { Dialog } from '../parts/dialog';
import { message } from '../parts/message';
import type { AuditEntry, Control } from '../types';
import { t } from '../words';

interface Page { controls: Control[]; audit: AuditEntry[]; hasMore: boolean }

const LOOK_EVERY_MS = 3000;
const LIFTS: Record<string, Record<string, unknown>> = {
  pause: { verb: 'resume' }, limit: { verb: 'limit', setting: 'file' }, 'poll-limit': { verb: 'limit', setting: 'file', polls: true }, circuit: { verb: 'circuit', setting: 'auto' },
};

export function Controls({ view }: { view: Viewed }) {
  const [page, setPage] = useState<Page | null>(null);
  const [older, setOlder] = useState<AuditEntry[]>([]);
  const [hasMore, setMore] = useState<boolean | null>(null);
  const [error, setError] = useState('');
  const [lifted, setLifted] = useState<Control | null>(null);
  const read = () => call<Page>('GET', 'controls').then((answer) => { setPage(answer); setError(''); }, (refusal) => setError(message(refusal)));
  useEffect(() => {
    void read();
    const looking = window.setInterval(() => void read(), LOOK_EVERY_MS);
    return () => window.clearInterval(looking);
  }, []);
  const entries = [...(page?.audit ?? []), ...older.filter((one) => one.id < (page?.audit.at(-1)?.id ?? 0))];
  const readOlder = () => call<Page>('GET', `controls?before=${entries.at(-1)!.id}`).then(
    (answer) => { setOlder([...older, ...answer.audit]); setMore(answer.hasMore); }, (refusal) => setError(message(refusal)));
  return (
    <>
      <section class="card">
        <div class="head"><h1>{t('inForce')}</h1></div>
        <p class="problem" role="alert">{error}</p>
        {page && page.controls.length === 0 && <p class="empty">{t('noControls')}</p>}
        {page && page.controls.length > 0 && (
          <ul class="plain controls">{page.controls.map((one) => (
            <li key={one.kind + one.subject}>
              <b>{one.subject}</b> <span class="badge notice">{t(`k_${one.kind}`)} {one.setting && t(one.setting)}</span>
              <span>{one.why} — {one.by}, {t('since')} {dated(one.since)}{one.until && `, ${t('until')} ${dated(one.until)}`}</span>
              {view.mayAct && LIFTS[one.kind] && <button onClick={() => setLifted(one)} aria-label={`${t('lift')}: ${one.subject}, ${t(`k_${one.kind}`)}`}>{t('lift')}</button>}
            </li>))}
          </ul>)}
        {!view.mayAct && <p class="hint">{t('readOnly')}</p>}
      </section>
      <section class="card">
        <div class="head"><h2>{t('audit')}</h2></div>
        {page && entries.length === 0 && <p class="empty">{t('noAudit')}</p>}
        {entries.length > 0 && (
          <table class="audit">
            <thead><tr><th scope="col">{t('at')}</th><th scope="col">{t('who')}</th><th scope="col">{t('what')}</th><th scope="col">{t('why')}</th></tr></thead>
            <tbody>{entries.map((one) => (
              <tr key={one.id}>
                <th scope="row">{dated(one.at)}</th>
                <td data-name={t('who')}>{one.by}</td>
                <td data-name={t('what')}>{t(`k_${one.kind}`)} {t(`a_${one.action}`)} <b>{one.subject}</b> {one.setting && t(one.setting)}{one.until && ` ${t('until')} ${dated(one.until)}`}</td>
                <td data-name={t('why')}>{one.why || '–'}</td>
              </tr>))}
            </tbody>
          </table>)}
        {(hasMore ?? page?.hasMore) && <div class="buttons"><button onClick={() => void readOlder()}>{t('older')}</button></div>}
      </section>
      {lifted && <Dialog title={`${t('lift')}: ${lifted.subject}`} act={t('lift')} onClose={() => setLifted(null)}
        onAct={async ({ why }) => { await call('POST', 'controls', { ...LIFTS[lifted.kind], subject: lifted.subject, why }); await read(); }} />}
    </>
  );
}
