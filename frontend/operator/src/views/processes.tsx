// Workers and processes of the API: alive, silent, failing, and what each holds.
import { useState } from 'preact/hooks';

import { call } from '../api';
import type { Viewed } from '../app';
import { duration, number, since } from '../format';
import { health } from '../parts/health';
import { Dialog } from '../parts/dialog';
import type { Process } from '../types';
import { t } from '../words';

const TONES: Record<Process['state'], string> = { WORKING: 'good', DRAINING: 'notice', SILENT: 'alarm', FAILING: 'alarm' };

export function Processes({ view }: { view: Viewed }) {
  const [drained, setDrained] = useState<Process | null>(null);
  const of = (kind: Process['kind']) => view.snapshot.processes.filter((one) => one.kind === kind);
  return (
    <>
      <h1 class="hidden">{t('processes')}</h1>
      <ProcessTable title={t('workers')} processes={of('worker')} onDrain={view.mayAct ? setDrained : undefined} />
      <ProcessTable title={t('apis')} processes={of('api')} />
      {drained && (
        <Dialog title={`${t('drainTitle')} ${drained.name}`} text={t('drainText')} act={t('drain')} isDangerous onClose={() => setDrained(null)}
          onAct={({ why }) => call('POST', 'controls', { verb: 'drain', subject: drained.name, why })} />
      )}
    </>
  );
}

function ProcessTable({ title, processes, onDrain }: { title: string; processes: Process[]; onDrain?: (one: Process) => void }) {
  return (
    <section class="card">
      <div class="head"><h2>{title}</h2></div>
      {processes.length === 0 ? <p class="empty">{t('noProcesses')}</p> : (
        <table class="processes">
          <thead><tr>
            <th scope="col">{t('name')}</th><th scope="col">{t('state')}</th><th scope="col">{t('host')}</th><th scope="col" class="right">{t('up')}</th>
            <th scope="col" class="right">{t('seen')}</th><th scope="col" class="right">{processes[0]!.kind === 'worker' ? t('jobs') : t('sockets')}</th>
            {onDrain && <th scope="col"><span class="hidden">{t('do')}</span></th>}
          </tr></thead>
          <tbody>{processes.map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name}{[...one.failing, ...health(one)].length > 0 && <small class="wrong">{[...one.failing, ...health(one)].join(', ')}</small>}</th>
              <td data-name={t('state')}><span class={`badge ${TONES[one.state]}`}>{t(one.state)}</span></td>
              <td data-name={t('host')}>{one.host} <small>{one.pid}</small></td>
              <td data-name={t('up')} class="right">{duration(since(one.startedAt))}</td>
              <td data-name={t('seen')} class="right">{duration(one.seenS)} {t('ago')}</td>
              <td data-name={one.kind === 'worker' ? t('jobs') : t('sockets')} class="right">{number(one.kind === 'worker' ? one.inFlight : one.sockets)}{one.kind === 'worker' && <small> · {number(Object.keys(one.lanes).length)} {t('lanes').toLowerCase()}</small>}</td>
              {onDrain && <td class="right">{one.state === 'WORKING' && <button onClick={() => onDrain(one)} aria-label={`${t('drain')} ${one.name}`}>{t('drain')}</button>}</td>}
            </tr>))}
          </tbody>
        </table>
      )}
    </section>
  );
}
