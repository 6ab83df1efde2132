// One request: its story, in order, and what it waits for. A look stands in the audit.
import { useEffect, useState } from 'preact/hooks';

import { call } from '../api';
import type { Viewed } from '../app';
import { clock, dated, duration, number } from '../format';
import { RunbookLink } from '../parts/concern';
import { Dialog } from '../parts/dialog';
import { message } from '../parts/message';
import type { Fault, Found, Step, Story } from '../types';
import { t } from '../words';

export function RequestPage({ subject, view }: { subject: string; view: Viewed }) {
  const [text, setText] = useState(subject);
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState('');
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    setText(subject);
    setError('');
    if (!subject) {
      setFound(null);
      return;
    }
    let isLatest = true;
    call<Found>('GET', `request?subject=${encodeURIComponent(subject)}`).then(
      (answer) => isLatest && setFound(answer), (refusal) => { if (isLatest) { setFound(null); setError(message(refusal)); } });
    return () => { isLatest = false; };
  }, [subject, turn]);
  const submit = (event: Event) => {
    event.preventDefault();
    const address = `#/request/${encodeURIComponent(text.trim())}`;
    if (location.hash === address) setTurn(turn + 1);
    else location.hash = address;
  };
  return (
    <>
      <section class="card">
        <div class="head"><h1>{t('request')}</h1></div>
        <form class="search" onSubmit={submit}>
          <label for="subject" class="hidden">{t('subject')}</label>
          <input id="subject" type="search" required maxLength={200} placeholder={t('subject')} value={text} onInput={(event) => setText(event.currentTarget.value)} spellcheck={false} />
          <button class="main">{found ? t('refresh') : t('find')}</button>
        </form>
        <p class="hint">{t('lookAudited')}</p>
        <p class="problem" role="alert">{error}</p>
        {found?.kind === 'none' && <p class="empty">{found.wasForgotten ? t('forgotten') : t('noSuch')}</p>}
        {found?.kind === 'several' && <><p>{t('severalFound')}</p><ul class="plain">{found.requests.map((one) => (
          <li key={one.requestId}><a href={`#/request/${one.requestId}`}><code>{one.requestId}</code></a> <span>{one.service}, {dated(one.acceptedAt)}</span></li>))}</ul></>}
      </section>
      {found?.kind === 'story' && <StoryView story={found.story} view={view} onChanged={() => setTurn(turn + 1)} />}
    </>
  );
}

function StoryView({ story, view: { snapshot, mayAct }, onChanged }: { story: Story; view: Viewed; onChanged: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const [told, setTold] = useState('');
  const name = (id: string) => snapshot.insurers.find((one) => one.id === id)?.name ?? id;
  const cancel = async (why: string) => {
    const done = await call<{ cancelled: number }>('POST', 'controls', { verb: 'cancel', requests: [story.requestId], why });
    setTold(t(done.cancelled ? 'requestCancelled' : 'requestOver'));
    onChanged();
  };
  return (
    <>
      <section class="card">
        <div class="head"><h2><code>{story.requestId}</code></h2>
          <span class={story.outcome ? 'badge' : 'badge notice'}>{story.outcome ? t(story.outcome) : t('stillOpen')}</span></div>
        <dl class="facts">
          <div><dt>{t('acceptedAt')}</dt><dd>{dated(story.acceptedAt)} <small>{t('fromService')} {story.service}</small></dd></div>
          <div><dt>{t('expiresAt')}</dt><dd>{dated(story.expiresAt)}</dd></div>
          <div><dt>{t('endedAt')}</dt><dd>{story.endedAt ? dated(story.endedAt) : '–'}</dd></div>
          {story.traceId && <div><dt>{t('traceId')}</dt><dd><code>{story.traceId}</code></dd></div>}
          <div><dt>{t('processes')}</dt><dd>{number(story.processes.filter((one) => one.hasAnswered).length)} {t('of')} {number(story.processes.length)}</dd></div>
        </dl>
        {!!story.faults?.length && <><h2>{t('faults')}</h2><ul class="concerns story">{story.faults.map((one, place) => (
          <li key={place} class="alarm"><span class="line"><b>{name(one.what ?? '')}</b> <span>{t(`c_${one.code}`)}</span> <em>{faultFigure(one)}</em></span>
            {one.runbook && <RunbookLink name={one.runbook} of={`${name(one.what ?? '')} ${t(`c_${one.code}`)}`} />}</li>))}</ul></>}
        <p role="status" class="told">{told}</p>
        {mayAct && !story.outcome && <div class="buttons"><button class="danger" onClick={() => setAsking(true)}>{t('cancelRequest')}</button></div>}
        {isAsking && <Dialog title={t('cancelRequest')} text={t('cancelText')} act={t('cancelRequest')} isDangerous onClose={() => setAsking(false)} onAct={({ why }) => cancel(why)} />}
        <h2>{t('slots')}</h2>
        <ul class="slots">{story.insurers.map((one) => (
          <li key={one.insurerId}>
            <b>{name(one.insurerId)}</b>
            <span class={`badge ${one.status === 'FAILED' ? 'alarm' : one.status === 'OFFERED' ? 'good' : one.status === 'PENDING' ? 'notice' : ''}`}>{t(one.status)}</span>
            <span>{one.reason && <code>{one.reason}</code>}{one.settledAt && ` +${duration((Date.parse(one.settledAt) - Date.parse(story.acceptedAt)) / 1000)}`}
              {one.waiting && <>{t('waitsFor')} <b>{t(`w_${one.waiting.waitsFor}`)}</b>{one.waiting.since && ` ${t('since')} ${clock(one.waiting.since)}`}{one.waiting.nextAt && `, ${t('next')} ${clock(one.waiting.nextAt)}`}{one.waiting.worker && <> · <code>{one.waiting.worker}</code></>}</>}
            </span>
          </li>))}
        </ul>
        {story.notKnown.length > 0 && <><h2>{t('gaps')}</h2><ul class="gaps">{story.notKnown.map((one) => (
          <li key={one.code + one.what}>{t(`g_${one.code}`)}{one.what && <>: <code>{one.what}</code></>}</li>))}</ul></>}
      </section>
      <section class="card">
        <div class="head"><h2>{t('timeline')}</h2></div>
        <ol class="steps">{story.steps.map((step, place) => <StepLine key={place} step={step} story={story} name={name} />)}</ol>
      </section>
    </>
  );
}

/** What is known of it: the step, how often, how long beside what is usual, the cause, the other process. */
function faultFigure({ code, step, seconds, usualS, count, detail, by }: Fault): string {
  const took = seconds === undefined ? '' : code === 'CLOCK_OFF' ? `${seconds < 0 ? '−' : '+'}${duration(Math.abs(seconds))}` : duration(seconds);
  const usual = usualS === undefined ? '' : `${t('usually')} ${duration(usualS)}`;
  return [step && t(`st_${step}`), count ? `× ${number(count)}` : '', [took, usual].filter(Boolean).join(', '), detail, by].filter(Boolean).join(' · ');
}

function StepLine({ step, story, name }: { step: Step; story: Story; name: (id: string) => string }) {
  const after = (Date.parse(step.at) - Date.parse(story.acceptedAt)) / 1000;
  const isSlow = (fault: Fault) => fault.code === 'INSURER_SLOW' && fault.what === step.insurerId && fault.step === step.step && (step.seconds ?? 0) > 1;
  const isWrong = step.result === 'stalled' || (step.kind === 'CALLED' && story.faults?.some(isSlow)) || step.kind === 'TAKEN_OVER' || step.kind === 'NOT_CALLED' || (step.kind === 'CALLED' && !['ok', 'processing'].includes(step.result ?? 'ok'));
  const words = [step.step && t(`st_${step.step}`), step.result && (/^[A-Z_]+$/.test(step.result) ? t(step.result) : step.result.replaceAll('_', ' ')), step.seconds === undefined ? '' : duration(step.seconds), step.count ? `× ${step.count}` : '', step.by, step.socket];
  return (
    <li class={isWrong ? 'wrong' : ''}>
      <time dateTime={step.at} title={step.at}>+{duration(Math.max(0, after))}</time>
      <b>{t(`s_${step.kind}`)}</b>
      <span>{step.insurerId && <i>{name(step.insurerId)}</i>} {words.filter(Boolean).join(' · ')}</span>
    </li>
  );
}
