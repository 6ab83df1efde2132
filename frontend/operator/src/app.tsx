// The shell: sign-in, sections, language and theme. Each section is an address behind the #, so that it can be sent to a colleague.
import { useEffect, useState } from 'preact/hooks';

import { call, onSignedOut } from './api';
import { useSnapshots } from './live';
import { SignIn } from './signIn';
import { next, setTheme, theme } from './theme';
import type { Session, Snapshot } from './types';
import { Controls } from './views/controls';
import { InsurerPage } from './views/insurer';
import { Insurers } from './views/insurers';
import { Letters } from './views/letters';
import { Overview } from './views/overview';
import { Processes } from './views/processes';
import { RequestPage } from './views/request';
import { Runbook } from './views/runbook';
import { duration } from './format';
import { language, setLanguage, t } from './words';

const SECTIONS = ['overview', 'insurers', 'processes', 'request', 'letters', 'controls'] as const;

export interface Viewed { snapshot: Snapshot; mayAct: boolean }

function useRoute(): string[] {
  const read = () => location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const listen = () => setRoute(read());
    addEventListener('hashchange', listen);
    return () => removeEventListener('hashchange', listen);
  }, []);
  return route;
}

export function App() {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [isOver, setOver] = useState(false);
  const [, redraw] = useState(0);
  const end = () => {
    setOver(true);
    setSession(null);
  };
  useEffect(() => {
    setTheme(theme());
    onSignedOut(end);
    call<Session>('GET', 'session').then(setSession, () => setSession(null));
  }, []);
  if (session === undefined) return null;
  const settings = <Settings redraw={() => redraw((count) => count + 1)} />;
  if (session === null) {
    return <SignIn isOver={isOver} settings={settings} onSession={(made) => { setOver(false); setSession(made); }} />;
  }
  const signOut = () => call('DELETE', 'session').finally(() => { setOver(false); setSession(null); });
  return <Console session={session} settings={settings} onSignedOut={end} signOut={signOut} />;
}

function Settings({ redraw }: { redraw: () => void }) {
  const [shown, setShown] = useState(theme);
  const other = language() === 'ru' ? 'en' : 'ru';
  return (
    <>
      <button class="quiet" onClick={() => { setLanguage(other); redraw(); }} aria-label={`${other.toUpperCase()} – ${t('lang')}`} lang={other}>{other.toUpperCase()}</button>
      <button class="quiet" onClick={() => { const chosen = next(shown); setTheme(chosen); setShown(chosen); }}
        aria-label={`${t('theme')}: ${t(shown)}`} title={`${t('theme')}: ${t(shown)}`}>
        <span aria-hidden="true">{shown === 'auto' ? '◐' : shown === 'light' ? '○' : '●'}</span>
      </button>
    </>
  );
}

interface ConsoleProps { session: Session; settings: preact.ComponentChild; onSignedOut: () => void; signOut: () => void }

function Console({ session, settings, onSignedOut: end, signOut }: ConsoleProps) {
  const [section = 'overview', subject = ''] = useRoute();
  const { snapshot, isStale, ageS } = useSnapshots(end);
  const mayAct = session.scopes.includes('operator:act');
  const chosen = [...SECTIONS, 'runbook' as const].find((one) => one === section) ?? 'overview';
  useEffect(() => {
    document.title = `${t(chosen)} · osago`;
  }, [chosen, language()]);
  const alarms = snapshot?.concerns.filter((one) => one.urgency !== 'NOTICE').length ?? 0;
  return (
    <div class={isStale ? 'shell stale' : 'shell'}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>{t('skip')}</a>
      <header class="bar">
        <a class="brand" href="#/overview"><img src="/operator/static/icon.svg" alt="" width="26" height="26" />osago<span>{t('console')}</span></a>
        <nav aria-label={t('sections')}>
          {SECTIONS.map((one) => (
            <a key={one} href={`#/${one}`} aria-current={one === chosen ? 'page' : undefined}>
              {t(one)}
              {one === 'overview' && alarms > 0 && <b class="count alarm">{alarms}</b>}
              {one === 'letters' && !!snapshot?.deadLetters && <b class="count alarm">{snapshot.deadLetters}</b>}
            </a>
          ))}
        </nav>
        <div class="who">
          <span class={`pulse ${isStale ? 'off' : 'on'}`} role="status">
            <i aria-hidden="true" />{isStale ? `${t('stale')} ${duration(ageS)} ${t('ago')}` : t('live')}
          </span>
          {settings}
          <span class="subject" title={session.subject}>{session.subject}</span>
          <button class="quiet" onClick={signOut}>{t('signOut')}</button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {snapshot
          ? <Section chosen={chosen} subject={subject} view={{ snapshot, mayAct }} />
          : <p class="empty" role="status">{t('waitingData')}</p>}
      </main>
    </div>
  );
}

function Section({ chosen, subject, view }: { chosen: string; subject: string; view: Viewed }) {
  const insurer = view.snapshot.insurers.find((one) => one.id === subject);
  switch (chosen) {
    case 'insurers': return insurer ? <InsurerPage insurer={insurer} view={view} /> : <Insurers view={view} />;
    case 'processes': return <Processes view={view} />;
    case 'request': return <RequestPage subject={subject} view={view} />;
    case 'letters': return <Letters view={view} />;
    case 'controls': return <Controls view={view} />;
    case 'runbook': return <Runbook name={subject} />;
    default: return <Overview view={view} />;
  }
}
