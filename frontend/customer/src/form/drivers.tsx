// The drivers: a list, or anyone.

import { useForm } from './context';
import { countries } from './countries';
import { driversOf, isSet, RUSSIA, textOf, withoutDriver } from './draft';
import { Choice, Switch, Text } from './fields';
import { card, name, partNumber } from './masks';
import { Names } from './parties';
import { More, Section } from './section';
import { DRIVERS_MAX } from './table';

export function Drivers() {
  const { draft, change, problems } = useForm();
  const isUnlimited = isSet(draft, 'are drivers unlimited');
  const count = driversOf(draft);
  const problem = problems['drivers'] ?? problems['drivers.listed'] ?? problems['drivers.unlimited'];
  return (
    <Section id="drivers" title="Водители" number={3}>
      <div class="field field--full">
        <Switch path="are drivers unlimited" label="Без ограничения водителей" hint="За руль сядет кто угодно; дороже" />
        {problem && <p class="field__problem">{problem}</p>}
      </div>
      {!isUnlimited && Array.from({ length: count }, (_, at) => <Driver key={at} at={at} isOnly={count === 1} />)}
      {!isUnlimited && count < DRIVERS_MAX && (
        <button
          type="button"
          class="button button--quiet"
          onClick={() => change((now) => ({ ...now, drivers: String(driversOf(now) + 1) }))}
        >
          Добавить водителя
        </button>
      )}
    </Section>
  );
}

const SHARED = ['lastName', 'firstName', 'middleName', 'birthDate'] as const;
type DriverPath = `drivers.listed.${number}`;

function Driver({ at, isOnly }: { at: number; isOnly: boolean }) {
  const { draft, change } = useForm();
  const path: DriverPath = `drivers.listed.${at}`;
  const isEmpty = SHARED.every((key) => !textOf(draft, `${path}.${key}`));
  const isKnown = textOf(draft, 'policyholder is') === 'person' && textOf(draft, 'policyholder.person.lastName') !== '';
  const isRussian = (textOf(draft, `${path}.license.country`) || RUSSIA) === RUSSIA;
  const copy = () =>
    change((now) => ({
      ...now,
      ...Object.fromEntries(SHARED.map((key) => [`${path}.${key}`, textOf(now, `policyholder.person.${key}`)])),
    }));
  return (
    <div class="grid grid--inner" role="group" aria-label={`Водитель ${at + 1}`}>
      <h3 class="grid__title">
        Водитель {at + 1}
        {isEmpty && isKnown && (
          <button type="button" class="link" onClick={copy}>
            Это страхователь
          </button>
        )}
        {!isOnly && (
          <button type="button" class="link link--quiet" onClick={() => change((now) => withoutDriver(now, at))}>
            Убрать
          </button>
        )}
      </h3>
      <Names path={path} />
      <Text path={`${path}.birthDate`} label="Дата рождения" width="third" />
      <Text
        path={`${path}.license.number`}
        label="Водительские права"
        mask={isRussian ? card : partNumber}
        width="third"
        code
      />
      <Text path={`${path}.drivingSince`} label="Стаж с" width="third" />
      <License path={path} />
    </div>
  );
}

/** What keeps a driver's class after a change of licence or surname, and licences of other countries. */
function License({ path }: { path: DriverPath }) {
  const paths = [
    `${path}.previousLicense.number`,
    `${path}.previousLicense.lastName`,
    `${path}.license.issuedOn`,
    `${path}.license.country`,
  ] as const;
  return (
    <More title="Меняли права или фамилию? Права другой страны?" paths={paths}>
      <Text
        path={`${path}.previousLicense.number`}
        label="Прежние права"
        mask={card}
        optional
        code
        hint="С ними сохранится скидка за безаварийную езду"
      />
      <Text path={`${path}.previousLicense.lastName`} label="Прежняя фамилия" mask={name} />
      <Text path={`${path}.license.issuedOn`} label="Нынешние права выданы" />
      <Choice path={`${path}.license.country`} label="Страна, которая их выдала" options={countries()} />
    </More>
  );
}
