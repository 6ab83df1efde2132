// The section about the vehicle.

import { useForm } from './context';
import { countries } from './countries';
import { Draft, isFromAbroad, isOfDepot, textOf } from './draft';
import { Choice, Segments, Switch, Text } from './fields';
import { card, electronicPassport, Mask, partNumber, vehiclePassport, vin } from './masks';
import { More, Section } from './section';
import { Plate } from './plate';

const CATEGORIES = [
  ['B', 'B — легковой автомобиль'],
  ['A', 'A — мотоцикл'],
  ['C', 'C — грузовик'],
  ['D', 'D — автобус'],
  ['TRACTOR', 'Трактор, самоходная машина'],
  ['TRAM', 'Трамвай'],
  ['TROLLEYBUS', 'Троллейбус'],
] as const;
const PURPOSES = [
  ['PERSONAL', 'Личные поездки'],
  ['TAXI', 'Такси'],
  ['RENTAL', 'Прокат'],
  ['DRIVING_SCHOOL', 'Учебная езда'],
  ['REGULAR_ROUTES', 'Регулярные маршруты'],
  ['CHARTERED_PASSENGERS', 'Пассажиры по заказу'],
  ['DANGEROUS_GOODS', 'Опасные грузы'],
  ['EMERGENCY_SERVICES', 'Экстренные службы'],
  ['OTHER', 'Другая'],
] as const;

interface Paper {
  name: string;
  label: string;
  mask: Mask;
  hint: string;
}

const PAPERS: Readonly<Record<string, Paper>> = {
  REGISTRATION_CERTIFICATE: { name: 'СТС', label: 'Серия и номер СТС', mask: card, hint: '10 знаков: 99 34 567890' },
  PASSPORT: { name: 'ПТС', label: 'Серия и номер ПТС', mask: vehiclePassport, hint: '10 знаков: 77 МА 345678' },
  ELECTRONIC_PASSPORT: { name: 'ЭПТС', label: 'Номер электронного паспорта', mask: electronicPassport, hint: '15 цифр' },
  SELF_PROPELLED_CERTIFICATE: { name: 'Свидетельство', label: 'Серия и номер свидетельства', mask: partNumber, hint: 'Две буквы и шесть цифр' },
  SELF_PROPELLED_PASSPORT: { name: 'ПСМ', label: 'Серия и номер ПСМ', mask: partNumber, hint: 'Две буквы и шесть цифр' },
  FOREIGN: { name: 'Документ о регистрации', label: 'Номер документа', mask: partNumber, hint: 'Как в документе, без пробелов' },
};

/** The papers that such a vehicle may have; the usual one is the first. */
function papersOf(draft: Draft): string[] {
  if (isFromAbroad(draft)) return ['FOREIGN'];
  if (textOf(draft, 'vehicle.category') === 'TRACTOR') {
    return ['SELF_PROPELLED_CERTIFICATE', 'SELF_PROPELLED_PASSPORT', 'ELECTRONIC_PASSPORT'];
  }
  return ['REGISTRATION_CERTIFICATE', 'PASSPORT', 'ELECTRONIC_PASSPORT'];
}

/** The draft with another value; the kind of paper follows where such a vehicle cannot have it. */
function suited(draft: Draft): Draft {
  const papers = papersOf(draft);
  const isSuited = papers.includes(textOf(draft, 'vehicle.document.kind'));
  return isSuited ? draft : { ...draft, 'vehicle.document.kind': papers[0]! };
}

export function Vehicle() {
  const { draft } = useForm();
  return (
    <Section id="vehicle" title={textOf(draft, 'vehicle.category') === 'B' ? 'Автомобиль' : 'Транспортное средство'} number={1}>
      {isOfDepot(draft) ? (
        <PlainNumber label="Бортовой номер" hint="Номер, который присвоило депо" />
      ) : isFromAbroad(draft) ? (
        <PlainNumber label="Государственный номер" hint="Как на табличке" />
      ) : (
        <Plate />
      )}
      <Text path="vehicle.make" label="Марка" />
      <Text path="vehicle.model" label="Модель" />
      <Text path="vehicle.year" label="Год выпуска" width="pair" />
      <Text path="vehicle.enginePower" label="Мощность, л. с." width="pair" />
      <Choice path="vehicle.purpose" label="Цель использования" options={PURPOSES} width="third" />
      <Size />
      <Text path="vehicle.vin" label="VIN" mask={vin} width="full" optional={false} code hint="17 знаков, есть в СТС и ПТС" />
      <PartNumbers />
      <Document />
      <Kind />
    </Section>
  );
}

function PlainNumber({ label, hint }: { label: string; hint: string }) {
  return <Text path="vehicle.licensePlate" label={label} width="full" code hint={hint} />;
}

function PartNumbers() {
  return (
    <More title="Нет VIN? Укажите номер кузова или шасси" paths={['vehicle.bodyNumber', 'vehicle.chassisNumber']}>
      <Text path="vehicle.bodyNumber" label="Номер кузова" mask={partNumber} code />
      <Text path="vehicle.chassisNumber" label="Номер шасси" mask={partNumber} code />
    </More>
  );
}

function Document() {
  const { draft } = useForm();
  const papers = papersOf(draft);
  const kind = textOf(draft, 'vehicle.document.kind');
  const { label, mask, hint } = PAPERS[kind] ?? PAPERS['REGISTRATION_CERTIFICATE']!;
  return (
    <>
      {papers.length > 1 && (
        <div class="field field--full">
          <Segments
            path="vehicle.document.kind"
            label="Документ на транспортное средство"
            options={papers.map((paper) => [paper, PAPERS[paper]!.name] as const)}
          />
        </div>
      )}
      <Text path="vehicle.document.number" label={label} mask={mask} hint={hint} code />
      <Text path="vehicle.document.issuedOn" label="Дата выдачи" />
    </>
  );
}

/** What the tariff asks of lorries and buses. */
function Size() {
  const { draft } = useForm();
  const category = textOf(draft, 'vehicle.category');
  if (category === 'C') {
    return <Text path="vehicle.maxMassKg" label="Разрешённая максимальная масса, кг" optional={false} width="full" />;
  }
  return category === 'D' ? <Text path="vehicle.seats" label="Пассажирских мест" optional={false} width="full" /> : null;
}

const KIND = ['vehicle.registrationCountry', 'vehicle.withTrailer', 'vehicle.isInTransit'] as const;

function Kind() {
  const { draft, change } = useForm();
  const choose = (path: 'vehicle.category' | 'vehicle.registrationCountry') => (value: string) =>
    change((now) => suited({ ...now, [path]: value }));
  return (
    <More
      title="Не легковой, с прицепом, из-за границы или транзит"
      paths={KIND}
      open={textOf(draft, 'vehicle.category') !== 'B'}
    >
      <Choice path="vehicle.category" label="Категория" options={CATEGORIES} onChoice={choose('vehicle.category')} />
      <Choice
        path="vehicle.registrationCountry"
        label="Страна регистрации"
        options={countries()}
        onChoice={choose('vehicle.registrationCountry')}
      />
      <Switch path="vehicle.withTrailer" label="Езжу с прицепом" />
      <Switch path="vehicle.isInTransit" label="Следует к месту регистрации" hint="С транзитным номером" />
    </More>
  );
}
