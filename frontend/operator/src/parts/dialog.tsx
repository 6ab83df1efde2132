// A question before a change: what will happen, why it is done, for how long. The browser's own dialog keeps the focus inside.
import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../words';
import { message } from './message';

export interface Answers { why: string; lastsS: number | null; more: Record<string, string | boolean> }

interface Props {
  title: string; text?: string; act: string; isDangerous?: boolean; hasDuration?: boolean; children?: preact.ComponentChild;
  onAct: (answers: Answers) => Promise<unknown>; onClose: () => void;
}

const LASTS: readonly (readonly [number, string])[] = [[600, '10 min'], [1800, '30 min'], [3600, '1 h'], [14_400, '4 h'], [86_400, '1 d']];

export function Dialog({ title, text, act, isDangerous, hasDuration, children, onAct, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const more: Record<string, string | boolean> = {};
    fields.forEach((value, name) => { more[name] = value === 'on' ? true : String(value); });
    setBusy(true);
    try {
      await onAct({ why: String(fields.get('why') ?? ''), lastsS: Number(fields.get('lasts')) || null, more });
      onClose();
    } catch (refusal) {
      setError(message(refusal));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="ask-title" onClose={onClose} onCancel={onClose}>
      <form onSubmit={submit}>
        <h2 id="ask-title">{title}</h2>
        {text && <p>{text}</p>}
        {children}
        {hasDuration && (
          <label>{t('forHow')}
            <select name="lasts">
              <option value="">{t('untilLifted')}</option>
              {LASTS.map(([seconds, words]) => {
                const [count, unit] = words.split(' ');
                return <option key={seconds} value={seconds}>{count} {t(unit!)}</option>;
              })}
            </select>
          </label>
        )}
        <label>{t('why')}
          <input name="why" required maxLength={500} autocomplete="off" placeholder={t('whyHint')} autofocus />
        </label>
        <p class="problem" role="alert">{error}</p>
        <div class="buttons">
          <button type="button" onClick={onClose}>{t('cancel')}</button>
          <button class={isDangerous ? 'danger' : 'main'} disabled={isBusy}>{act}</button>
        </div>
      </form>
    </dialog>
  );
}
