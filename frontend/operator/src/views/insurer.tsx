// One insurer, with what can be done about it.
import { useState } from 'preact/hooks';

import { call } from '../api';
import type { Viewed } from '../app';
import { dated, duration, limit, number } from '../format';
import { ConcernLine } from '../parts/concern';
import { Dialog, type Answers } from '../parts/dialog';
import { STATUSES } from '../parts/statuses';
import type { Insurer } from '../types';
import { t } from '../words';
import { State } from './insurers';

type Verb = 'pause' | 'resume' | 'limit' | 'circuit' | 'cancel';

export function InsurerPage({ insurer: one, view }: { insurer: Insurer; view: Viewed }) {
  const [verb, setVerb] = useState<Verb | null>(null);
  const [told, setTold] = useState('');
  const concerns = view.snapshot.concerns.filter((concern) => concern.subject === one.id && concern.urgency !== 'NOTICE');
  const workers = view.snapshot.processes.filter((process) => process.lanes[one.id]);
  const act = async (body: Record<string, unknown>) => {
    const done = await call<{ cancelled?: number }>('POST', 'controls', { verb, subject: one.id, ...body });
    setTold(done.cancelled === undefined ? t('applied') : `${t('cancelled')}: ${number(done.cancelled)}`);
  };
  return (
    <>
      <section class="card">
        <div class="head">
          <div><p class="crumb"><a href="#/insurers">{t('insurers')}</a></p><h1>{one.name} <small>{one.id}</small></h1></div>
          <State one={one} />
        </div>
        {one.pause && <p class="note">{one.pause.why} — {one.pause.by}{one.pause.since && `, ${t('since')} ${dated(one.pause.since)}`}{one.pause.until && `, ${t('until')} ${dated(one.pause.until)}`}</p>}
        {concerns.length > 0 && <ul class="concerns">{concerns.map((concern) => <ConcernLine key={concern.code} concern={concern} snapshot={view.snapshot} />)}</ul>}
        <dl class="facts">
          <Fact name={t('waiting')}>{one.waiting === null ? '–' : number(one.waiting)}</Fact>
          <Fact name={t('oldest')}>{duration(one.oldestS)}</Fact>
          <Fact name={t('inFlight')}>{number(one.inFlight)} / {number(one.places)}</Fact>
          <Fact name={t('asking')}>{duration(one.askingP50S)} / {duration(one.askingP99S)}</Fact>
          <Fact name={t('calls')}>{number(one.calls['ok'] ?? 0)} + {number(one.calls['failed'] ?? 0)} {t('failedCalls')}</Fact>
          <Fact name={`${t('limitCol')}: ${t('create')}`}>{limit(one.createLimit.count, one.createLimit.perS)}{one.createLimit.byControl && ` (${t('forced')})`}</Fact>
          <Fact name={`${t('limitCol')}: ${t('polls')}`}>{limit(one.pollLimit.count, one.pollLimit.perS)}{one.pollLimit.byControl && ` (${t('forced')})`}</Fact>
          <Fact name={t('circuit')}>{one.circuit ? t(one.circuit.state === 'UNAVAILABLE' ? 'UNAVAILABLE_circuit' : one.circuit.state) : '–'}</Fact>
        </dl>
        <Steps one={one} />
        <h2>{t('answers')}</h2>
        <ul class="legend">{STATUSES.filter((status) => one.answers[status]).map((status) => (
          <li key={status}><i class={`status-${status}`} aria-hidden="true" />{t(status)} <b>{number(one.answers[status]!)}</b></li>))}
          {!Object.keys(one.answers).length && <li>–</li>}
        </ul>
        <p role="status" class="told">{told}</p>
        {view.mayAct ? (
          <div class="buttons">
            {one.pause ? <button class="main" onClick={() => setVerb('resume')}>{t('resume')}</button> : <button class="main" onClick={() => setVerb('pause')}>{t('pause')}</button>}
            <button onClick={() => setVerb('limit')}>{t('setLimit')}</button>
            <button onClick={() => setVerb('circuit')}>{t('setCircuit')}</button>
            <button class="danger" onClick={() => setVerb('cancel')}>{t('cancelWaiting')}</button>
          </div>
        ) : <p class="hint">{t('readOnly')}</p>}
      </section>
      <section class="card">
        <div class="head"><h2>{t('workers')}</h2></div>
        {workers.length ? <ul class="plain">{workers.map((process) => (
          <li key={process.name}><code>{process.name}</code> <span>{number(process.lanes[one.id]?.inFlight ?? 0)} / {number(process.lanes[one.id]?.places ?? 0)}</span></li>))}</ul>
          : <p class="empty">{t('noProcesses')}</p>}
      </section>
      {verb && <Ask verb={verb} one={one} act={act} onClose={() => setVerb(null)} />}
    </>
  );
}

/** What calls came to in the last minute, and what one took beside what is usual. */
function Steps({ one }: { one: Insurer }) {
  const steps = Object.entries(one.steps).filter(([, calls]) => calls.calls);
  if (!steps.length) return null;
  return (
    <>
      <h2>{t('calls')}, {t('lastMinute')}</h2>
      <ul class="plain">{steps.map(([step, { calls, meanS, usualS }]) => (
        <li key={step}><b>{t(`st_${step}`)}</b> <span>{duration(meanS)}{usualS !== null && usualS !== undefined && `, ${t('usually')} ${duration(usualS)}`} · {Object.entries(calls ?? {}).map(([why, count]) => `${why} ${number(count)}`).join(', ')}</span></li>))}
      </ul>
    </>
  );
}

interface AskProps { verb: Verb; one: Insurer; act: (body: Record<string, unknown>) => Promise<void>; onClose: () => void }

function Ask({ verb, one, act, onClose }: AskProps) {
  const base = ({ why, lastsS }: Answers) => ({ why, lastsS });
  switch (verb) {
    case 'pause': return (
      <Dialog title={`${t('pauseTitle')}: ${one.name}`} text={t('pauseText')} act={t('pause')} hasDuration onClose={onClose} onAct={(answers) => act({ ...base(answers), holds: answers.more['holds'] === true })}>
        <label class="check"><input type="checkbox" name="holds" />{t('holdLabel')}</label>
      </Dialog>);
    case 'resume': return <Dialog title={`${t('resumeTitle')}: ${one.name}`} act={t('resume')} onClose={onClose} onAct={(answers) => act(base(answers))} />;
    case 'limit': return (
      <Dialog title={`${t('limitTitle')}: ${one.name}`} text={t('limitText')} act={t('done')} hasDuration onClose={onClose} onAct={(answers) => act({ ...base(answers), setting: answers.more['setting'], polls: answers.more['polls'] === true })}>
        <label>{t('limitCol')}<input name="setting" required placeholder="50/s" autocomplete="off" /></label>
        <label class="check"><input type="checkbox" name="polls" />{t('limitPolls')}</label>
      </Dialog>);
    case 'circuit': return (
      <Dialog title={`${t('circuitTitle')}: ${one.name}`} act={t('done')} hasDuration onClose={onClose} onAct={(answers) => act({ ...base(answers), setting: answers.more['setting'] })}>
        <label>{t('state')}<select name="setting"><option value="open">{t('toOpen')}</option><option value="closed">{t('toClosed')}</option><option value="auto">{t('toAuto')}</option></select></label>
      </Dialog>);
    default: return <Dialog title={`${t('cancelTitle')}: ${one.name}`} text={t('cancelText')} act={t('cancelWaiting')} isDangerous onClose={onClose} onAct={(answers) => act(base(answers))} />;
  }
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
