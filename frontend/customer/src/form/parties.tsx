// The policyholder, and the owner where it is another: a person or an organisation.

import { Address } from './address';
import { useForm } from './context';
import { textOf } from './draft';
import { Choice, Text } from './fields';
import { Identity, isChild, numberOf } from './identity';
import { groupedDigits, name, phone } from './masks';
import { Section } from './section';

const OWNERS = [
  ['policyholder', 'Страхователь'],
  ['person', 'Другой человек'],
  ['organisation', 'Организация'],
] as const;

export function Policyholder() {
  const { draft, set } = useForm();
  const isPerson = textOf(draft, 'policyholder is') === 'person';
  const turn = (
    <button type="button" class="link" onClick={() => set('policyholder is', isPerson ? 'organisation' : 'person')}>
      {isPerson ? 'Это организация' : 'Это человек'}
    </button>
  );
  return (
    <Section id="policyholder" title="Страхователь" number={2} aside={turn}>
      {isPerson ? <Person path="policyholder.person" isMe /> : <Organisation path="policyholder.organisation" isMe />}
      <Choice path="owner is" label="Собственник — кто вписан в документы" options={OWNERS} width="full" />
      <Owner />
    </Section>
  );
}

function Owner() {
  const { draft } = useForm();
  const owner = textOf(draft, 'owner is');
  if (owner === 'policyholder') return null;
  return (
    <div class="grid grid--inner" role="group" aria-label="Собственник">
      <h3 class="grid__title">Собственник</h3>
      {owner === 'person' ? <Person path="owner.person" /> : <Organisation path="owner.organisation" />}
    </div>
  );
}

export type PersonPath = 'policyholder.person' | 'owner.person';
type OrganisationPath = 'policyholder.organisation' | 'owner.organisation';
type DriverPath = `drivers.listed.${number}`;

function Person({ path, isMe = false }: { path: PersonPath; isMe?: boolean }) {
  const { draft } = useForm();
  const number = numberOf(draft, path);
  return (
    <>
      <Names path={path} isMe={isMe} />
      <Text path={`${path}.birthDate`} label="Дата рождения" autoComplete={isMe ? 'bday' : undefined} width="third" />
      <Text
        path={`${path}.document.number`}
        label={number.label}
        mask={number.mask}
        inputMode={number.inputMode}
        hint={isChild(draft, path) ? 'До 14 лет — свидетельство о рождении: выберите его ниже.' : undefined}
        width="third"
      />
      <Text path={`${path}.document.issuedOn`} label="Когда выдан" width="third" />
      <Address path={path} city="Город прописки" address="Адрес по прописке" isMe={isMe} />
      {isMe && <Contacts path={path} />}
      <Identity path={path}>{!isMe && <Contacts path={path} />}</Identity>
    </>
  );
}

function Contacts({ path }: { path: PersonPath | OrganisationPath }) {
  const said = (word: string) => (path === 'policyholder.person' ? word : undefined);
  return (
    <>
      <Text path={`${path}.phone`} label="Телефон" mask={phone} inputMode="tel" autoComplete={said('tel')} />
      <Text path={`${path}.email`} label="Электронная почта" inputMode="email" autoComplete={said('email')} />
    </>
  );
}

function Organisation({ path, isMe = false }: { path: OrganisationPath; isMe?: boolean }) {
  const said = (word: string) => (isMe ? word : undefined);
  return (
    <>
      <Text path={`${path}.name`} label="Название" autoComplete={said('organization')} width="full" />
      <Text path={`${path}.inn`} label="ИНН" mask={groupedDigits} inputMode="numeric" width="third" />
      <Text path={`${path}.kpp`} label="КПП" mask={groupedDigits} inputMode="numeric" width="third" />
      <Text path={`${path}.ogrn`} label="ОГРН" mask={groupedDigits} inputMode="numeric" width="third" />
      <Address path={path} city="Город регистрации" address="Юридический адрес" isMe={isMe} />
      <Contacts path={path} />
    </>
  );
}

export function Names({ path, isMe = false }: { path: PersonPath | DriverPath; isMe?: boolean }) {
  const said = (word: string) => (isMe ? word : undefined);
  return (
    <>
      <Text path={`${path}.lastName`} label="Фамилия" mask={name} autoComplete={said('family-name')} width="third" />
      <Text path={`${path}.firstName`} label="Имя" mask={name} autoComplete={said('given-name')} width="third" />
      <Text path={`${path}.middleName`} label="Отчество" mask={name} autoComplete={said('additional-name')} width="third" />
    </>
  );
}
