// The customer's consent: its text, the recipients of the data, and that the other persons know of it.

import { useEffect, useState } from 'preact/hooks';

import { serverNow } from '../clock';
import { loadInsurers } from '../insurers';
import { CONSENT_TEXT } from './consentText';
import { useForm } from './context';
import { isSet } from './draft';
import { Tick } from './fields';
import { hasOthers } from './input';
import { Folded } from './section';

export function Consent() {
  const { draft, change } = useForm();
  const [names, setNames] = useState<readonly string[]>([]);
  useEffect(() => void loadInsurers().then(setNames), []);
  const give = (isGiven: boolean) =>
    change((now) => ({
      ...now,
      'is consent given': isGiven,
      'consent given at': isGiven ? new Date(serverNow()).toISOString() : '',
    }));
  const [first, second, third] = CONSENT_TEXT;
  return (
    <section class="consent card" aria-label="Согласие" id="section-consent">
      <Tick id="consent" label="Даю согласие на обработку персональных данных" isOn={isSet(draft, 'is consent given')} onTurn={give} />
      {hasOthers(draft) && (
        <Tick
          id="consent.othersInformed"
          label="Водители и собственник знают, что я указал их данные, и кто их получит"
          isOn={isSet(draft, 'are others informed')}
          onTurn={(isOn) => change((now) => ({ ...now, 'are others informed': isOn }))}
        />
      )}
      <Folded title="Текст согласия и кто получит данные">
        <div class="consent__text">
          <p>{first}</p>
          <p>{second}</p>
          <p>Получатели: {names.length ? names.join(', ') : 'страховые компании, подключённые к сервису'}.</p>
          <p>{third}</p>
        </div>
      </Folded>
    </section>
  );
}
