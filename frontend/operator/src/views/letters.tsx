// Dead letters: looked at, asked about again, dropped; several at once, after a question.
import { useEffect, useState } from 'preact/hooks';

import { call } from '../api';
import type { Viewed } from '../app';
import { dated, number } from '../format';
import { Dialog } from '../parts/dialog';
import { message } from '../parts/message';
import type { Letter } from '../types';
import { t } from '../words';

const LOOK_EVERY_MS = 3000;

export function Letters({ view }: { view: Viewed }) {
  const [found, setFound] = useState<{ total: number; letters: Letter[] } | null>(null);
  const [error, setError] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [verb, setVerb] = useState<'retry' | 'drop' | null>(null);
  const read = () => call<{ total: number; letters: Letter[] }>('GET', 'dead-letters').then(
    (answer) => { setFound(answer); setError(''); }, (refusal) => setError(message(refusal)));
  useEffect(() => {
    void read();
    const looking = window.setInterval(() => void read(), LOOK_EVERY_MS);
    return () => window.clearInterval(looking);
  }, []);
  const letters = found?.letters ?? [];
  const ids = letters.filter((one) => chosen.has(one.id)).map((one) => one.id);
  const toggle = (id: string) => setChosen(new Set(chosen.has(id) ? [...chosen].filter((one) => one !== id) : [...chosen, id]));
  const act = async (why: string) => {
    await call('POST', `dead-letters/${verb}`, { ids, why });
    setChosen(new Set());
    await read();
  };
  return (
    <section class="card">
      <div class="head"><div><h1>{t('letters')}</h1><p>{t('lettersText')}</p></div>
        {view.mayAct && letters.length > 0 && (
          <div class="buttons">
            <span aria-live="polite">{ids.length > 0 && `${t('selected')}: ${number(ids.length)}`}</span>
            <button class="main" disabled={!ids.length} onClick={() => setVerb('retry')}>{t('retry')}</button>
            <button class="danger" disabled={!ids.length} onClick={() => setVerb('drop')}>{t('drop')}</button>
          </div>)}
      </div>
      <p class="problem" role="alert">{error}</p>
      {!view.mayAct && <p class="hint">{t('readOnly')}</p>}
      {found && letters.length === 0 && <p class="empty">{t('noLetters')}</p>}
      {found && found.total > letters.length && <p class="hint">{t('shown')} {number(letters.length)} {t('of')} {number(found.total)}</p>}
      {letters.length > 0 && (
        <table class="letters">
          <thead><tr>
            {view.mayAct && <th scope="col"><input type="checkbox" aria-label={t('selectAll')} checked={ids.length === letters.length} onChange={(event) => setChosen(new Set(event.currentTarget.checked ? letters.map((one) => one.id) : []))} /></th>}
            <th scope="col">{t('at')}</th><th scope="col">{t('insurer')}</th><th scope="col">{t('request')}</th><th scope="col" class="right">{t('deliveries')}</th><th scope="col">{t('reason')}</th>
          </tr></thead>
          <tbody>{letters.map((one) => (
            <tr key={one.id}>
              {view.mayAct && <td class="pick"><input type="checkbox" aria-label={`${t('select')} ${one.id}`} checked={chosen.has(one.id)} onChange={() => toggle(one.id)} /></td>}
              <th scope="row">{dated(one.at)}</th>
              <td data-name={t('insurer')}><a href={`#/insurers/${one.insurer}`}>{one.insurer}</a></td>
              <td data-name={t('request')}><a href={`#/request/${one.request}`}><code>{one.request}</code></a></td>
              <td data-name={t('deliveries')} class="right">{one.deliveries}</td>
              <td data-name={t('reason')}>{one.reason}
                {one.retry && <p class="told">{t(`retryState_${one.retry.state}`)}{one.retry.answer && `: ${one.retry.answer}`}</p>}
                {one.trace && <details><summary>{t('trace')}</summary><pre tabIndex={0}>{one.trace}</pre></details>}
              </td>
            </tr>))}
          </tbody>
        </table>
      )}
      {verb && <Dialog title={`${t(verb === 'retry' ? 'retryTitle' : 'dropTitle')}: ${number(ids.length)}`} text={t(verb === 'retry' ? 'retryText' : 'dropText')} act={t(verb)}
        isDangerous={verb === 'drop'} onClose={() => setVerb(null)} onAct={({ why }) => act(why)} />}
    </section>
  );
}
