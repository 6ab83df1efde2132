// A runbook: what an alarm means, which command names its cause, what to do. They come with the console, and need no internet.
import { useEffect, useState } from 'preact/hooks';

import { language, t } from '../words';

interface Text { meaning: string; look: [command: string, shows: string][]; act: string[] }
type Page = Text & { alert: string; ru?: Text };

export function Runbook({ name }: { name: string }) {
  const [pages, setPages] = useState<Record<string, Page> | null>(null);
  useEffect(() => {
    fetch('/operator/static/runbooks.json').then((answer) => answer.json()).then(setPages, () => setPages({}));
  }, []);
  if (pages === null) return null;
  const page = pages[name];
  if (!page) return <section class="card"><p class="empty">{t('rbNone')}</p></section>;
  const text = (language() === 'ru' && page.ru) || page;
  const lang = text === page ? 'en' : 'ru';
  return (
    <section class="card runbook-page">
      <div class="head"><div><p class="crumb"><a href="#/overview">{t('overview')}</a></p><h1>{t('runbook')} <small>{page.alert}</small></h1></div></div>
      <p lang={lang}><Words text={text.meaning} /></p>
      <h2>{t('rbLook')}</h2>
      <ul class="commands">{text.look.map(([command, shows]) => <li key={command}><code>{command}</code> <span lang={lang}><Words text={shows} /></span></li>)}</ul>
      <h2>{t('rbAct')}</h2>
      <ul class="acts" lang={lang}>{text.act.map((sentence) => <li key={sentence}><Words text={sentence} /></li>)}</ul>
    </section>
  );
}

/** Text with commands and settings between backticks. */
function Words({ text }: { text: string }) {
  return <>{text.split('`').map((part, place) => (place % 2 ? <code key={place}>{part}</code> : part))}</>;
}
