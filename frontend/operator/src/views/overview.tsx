// The overview: is a hand needed, how does it go, what is about to end, and every insurer.
import type { Viewed } from '../app';
import { duration, number, rate, share } from '../format';
import { ConcernLine } from '../parts/concern';
import { Spark } from '../parts/spark';
import type { Snapshot } from '../types';
import { t } from '../words';
import { InsurerTable } from './insurers';

export function Overview({ view }: { view: Viewed }) {
  const { snapshot } = view;
  const alarms = snapshot.concerns.filter((one) => one.urgency !== 'NOTICE');
  const notices = snapshot.concerns.filter((one) => one.urgency === 'NOTICE');
  return (
    <>
      <section class={alarms.length ? 'verdict alarm' : 'verdict good'} aria-live="polite">
        <h1>{alarms.length ? `${t('needsHand')}: ${number(alarms.length)}` : t('allWell')}</h1>
        {alarms.length ? <ul class="concerns">{alarms.map((one) => <ConcernLine key={one.code + one.subject} concern={one} snapshot={snapshot} />)}</ul> : <p>{t('allWellMore')}</p>}
        {notices.length > 0 && <details open={notices.length < 4}><summary>{t('toKnow')}: {number(notices.length)}</summary>
          <ul class="concerns">{notices.map((one) => <ConcernLine key={one.code + one.subject} concern={one} snapshot={snapshot} />)}</ul></details>}
      </section>
      <Tiles snapshot={snapshot} />
      <section class="card">
        <div class="head"><h2>{t('insurers')}</h2></div>
        <InsurerTable insurers={snapshot.insurers} isBrief />
      </section>
      <NearEnds snapshot={snapshot} />
    </>
  );
}

function Tiles({ snapshot }: { snapshot: Snapshot }) {
  const { requests, push, series } = snapshot;
  const answers = (series['asked'] ?? []).reduce((sum, count) => sum + count, 0);
  return (
    <section class="tiles">
      <Tile name={t('accepted')} figure={rate(lately(series['accepted'], snapshot.slotS))} more={`${number(requests.accepted)} ${t('inWindow')}`} counts={series['accepted']} />
      <Tile name={t('answersRate')} figure={rate(lately(series['asked'], snapshot.slotS))} more={`${number(answers)} ${t('inWindow')}`} counts={series['asked']} />
      <Tile name={t('inTime')} figure={share(requests.inTime)} more={requests.late ? `${number(requests.late)} ${t('late')}` : `${t('of')} ${number(sum(requests.ended))}`} isWrong={requests.late > 0} counts={series['ended']} />
      <Tile name={t('toFrame')} figure={duration(push.p99S)} more={push.within500Ms === null ? '' : `${share(push.within500Ms)} ${t('ofFrames')}`} counts={series['pushed']} />
      <Tile name={t('open')} figure={requests.open === null ? '–' : requests.open >= 10_000 ? `${number(10_000)}+` : number(requests.open)}
        more={requests.overdue ? `${number(requests.overdue)} ${t('overdue')}` : `${t('nearEnd').toLowerCase()}: ${number(requests.near ?? 0)}`} isWrong={!!requests.overdue} />
    </section>
  );
}

interface TileProps { name: string; figure: string; more: string; isWrong?: boolean; counts?: number[] }

function Tile({ name, figure, more, isWrong, counts }: TileProps) {
  return (
    <div class="tile">
      <h2>{name}</h2>
      <p class="figure">{figure}</p>
      <p class={isWrong ? 'more wrong' : 'more'}>{more}</p>
      {counts && <Spark counts={counts} label={`${name}, ${t('inWindow')}`} />}
    </div>
  );
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0);

/** By second, over the last half a minute that is over. */
const lately = (counts: number[] | undefined, slotS: number) => (counts ?? []).slice(-4, -1).reduce((total, count) => total + count, 0) / (3 * slotS);

function NearEnds({ snapshot }: { snapshot: Snapshot }) {
  const name = (id: string) => snapshot.insurers.find((one) => one.id === id)?.name ?? id;
  const { first, near } = snapshot.requests;
  return (
    <section class="card">
      <div class="head"><h2>{t('nearEnd')}</h2><p>{t('nearMore')}</p></div>
      {first.length === 0 ? <p class="empty">{near === null ? t('notKnown') : t('nearNone')}</p> : (
        <ul class="ends">
          {first.map((one) => (
            <li key={one.id} class={one.leftS < 0 ? 'alarm' : ''}>
              <b>{one.leftS < 0 ? `−${duration(-one.leftS)}` : duration(one.leftS)}</b>
              <a href={`#/request/${one.id}`}><code>{one.id}</code></a>
              <span>{t('noAnswerFrom')} {one.missing.length} {t('of')} {one.asked}: {one.missing.slice(0, 3).map(name).join(', ')}{one.missing.length > 3 && ` + ${one.missing.length - 3}`}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
