// The sections about people: the policyholder, the owner where it is another person, the drivers.

import { CITIES } from './cities';
import { useForm } from './context';
import { driversOf, isSet, textOf, withoutDriver } from './draft';
import { Switch, Text } from './fields';
import { card, kladr, name, passport, phone } from './masks';
import { Section } from './section';
import { DRIVERS_MAX } from './table';

export function Policyholder() {
  const { draft } = useForm();
  return (
    <Section id="policyholder" title="Страхователь" number={2}>
      <Person path="policyholder.person" />
      <div class="field field--full">
        <Switch
          path="is owner another"
          label="Собственник — другой человек"
          hint="Тот, кто вписан в документы на автомобиль"
        />
      </div>
      {isSet(draft, 'is owner another') && (
        <div class="grid grid--inner" role="group" aria-label="Собственник">
          <h3 class="grid__title">Собственник</h3>
          <Person path="owner.person" />
        </div>
      )}
    </Section>
  );
}

type PersonPath = 'policyholder.person' | 'owner.person';
type DriverPath = `drivers.listed.${number}`;

function Person({ path }: { path: PersonPath }) {
  const isMe = path === 'policyholder.person';
  return (
    <>
      <Names path={path} isMe={isMe} />
      <Text
        path={`${path}.birthDate`}
        label="Дата рождения"
        autoComplete={isMe ? 'bday' : undefined}
        width="third"
      />
      <Text path={`${path}.document.number`} label="Серия и номер паспорта" mask={passport} inputMode="numeric" width="third" />
      <Text
        path={`${path}.document.issuedOn`}
        label="Паспорт выдан"
        width="third"
      />
      <Settlement path={`${path}.address.kladr`} />
      <Text
        path={`${path}.address.text`}
        label="Адрес по прописке"
        autoComplete={isMe ? 'street-address' : undefined}
        width="full"
      />
      <Text
        path={`${path}.phone`}
        label="Телефон"
        optional={!isMe}
        mask={phone}
        inputMode="tel"
        autoComplete={isMe ? 'tel' : undefined}
      />
      <Text
        path={`${path}.email`}
        label="Электронная почта"
        optional={!isMe}
        inputMode="email"
        autoComplete={isMe ? 'email' : undefined}
      />
    </>
  );
}

function Names({ path, isMe }: { path: PersonPath | DriverPath; isMe: boolean }) {
  const said = (word: string) => (isMe ? word : undefined);
  return (
    <>
      <Text path={`${path}.lastName`} label="Фамилия" mask={name} autoComplete={said('family-name')} width="third" />
      <Text path={`${path}.firstName`} label="Имя" mask={name} autoComplete={said('given-name')} width="third" />
      <Text
        path={`${path}.middleName`}
        label="Отчество"
        mask={name}
        autoComplete={said('additional-name')}
        width="third"
      />
    </>
  );
}

const OTHER = 'other';

/** A settlement out of the list, or the KLADR code of any other. */
function Settlement({ path }: { path: `${PersonPath}.address.kladr` }) {
  const { draft, set, problems } = useForm();
  const code = textOf(draft, path);
  const isListed = CITIES.some(([known]) => known === code);
  return (
    <>
      <div class={isListed ? 'field field--full' : 'field field--half'}>
        <div class="field__box">
          <label class="field__label" for={`${path}-city`}>
            Город прописки
          </label>
          <select
            id={`${path}-city`}
            class="field__input field__input--choice"
            value={isListed ? code : OTHER}
            onChange={({ currentTarget }) => set(path, currentTarget.value === OTHER ? '' : currentTarget.value)}
          >
            {[...CITIES, [OTHER, 'Другой — по коду КЛАДР'] as const].map(([value, city]) => (
              <option key={value} value={value}>
                {city}
              </option>
            ))}
          </select>
        </div>
        {isListed && problems[path] && <p class="field__problem">{problems[path]}</p>}
      </div>
      {!isListed && <Text path={path} label="Код КЛАДР" mask={kladr} inputMode="numeric" hint="11–19 цифр" code />}
    </>
  );
}

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

function Driver({ at, isOnly }: { at: number; isOnly: boolean }) {
  const { draft, change } = useForm();
  const path: DriverPath = `drivers.listed.${at}`;
  const isEmpty = SHARED.every((key) => !textOf(draft, `${path}.${key}`));
  const isKnown = textOf(draft, 'policyholder.person.lastName') !== '';
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
      <Names path={path} isMe={false} />
      <Text path={`${path}.birthDate`} label="Дата рождения" width="third" />
      <Text path={`${path}.license.number`} label="Водительские права" mask={card} width="third" code />
      <Text path={`${path}.drivingSince`} label="Стаж с" width="third" />
    </div>
  );
}
