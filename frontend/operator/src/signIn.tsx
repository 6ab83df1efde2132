// Sign-in: a service token is exchanged for a cookie. The token itself stays in this form, and goes with it.
import { useState } from 'preact/hooks';

import { call } from './api';
import { message } from './parts/message';
import type { Session } from './types';
import { t } from './words';

interface Props { isOver: boolean; settings: preact.ComponentChild; onSession: (session: Session) => void }

export function SignIn({ isOver, settings, onSession }: Props) {
  const [token, setToken] = useState('');
  const [error, setError] = useState(isOver ? t('sessionOver') : '');
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError('');
    try {
      onSession(await call<Session>('POST', 'session', { token: token.trim() }));
    } catch (refusal) {
      setError(message(refusal));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="door">
      <div class="corner">{settings}</div>
      <main>
        <form class="card" onSubmit={submit}>
          <img src="/operator/static/icon.svg" alt="" width="40" height="40" />
          <h1>{t('signIn')}</h1>
          <label for="token">{t('token')}</label>
          <input id="token" type="password" autocomplete="off" spellcheck={false} required value={token} autofocus
            aria-describedby="hint" aria-invalid={error ? true : undefined} onInput={(event) => setToken(event.currentTarget.value)} />
          <p class="problem" role="alert">{error}</p>
          <button class="main" disabled={isBusy || !token.trim()}>{t('enter')}</button>
          <div id="hint" class="hint">
            <p>{t('tokenHint')}</p>
            <code>osago token --subject $USER --scope "operator operator:act"</code>
            <p>{t('tokenKept')}</p>
          </div>
        </form>
      </main>
    </div>
  );
}
