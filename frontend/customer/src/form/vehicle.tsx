// The section about the car.

import { useForm, hasProblem } from './context';
import { isOfDepot, textOf } from './draft';
import { Choice, Segments, Switch, Text } from './fields';
import { card, electronicPassport, Mask, partNumber, vehiclePassport, vin } from './masks';
import { More, Section } from './section';
import { Plate } from './plate';

const CATEGORIES = [
  ['B', 'B — легковой автомобиль'],
  ['A', 'A — мотоцикл'],
  ['C', 'C — грузовик'],
  ['D', 'D — автобус'],
  ['TRACTOR', 'Трактор'],
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
const DOCUMENTS = [
  ['REGISTRATION_CERTIFICATE', 'СТС'],
  ['PASSPORT', 'ПТС'],
  ['ELECTRONIC_PASSPORT', 'ЭПТС'],
  ['SELF_PROPELLED_PASSPORT', 'ПСМ'],
  ['SELF_PROPELLED_CERTIFICATE', 'СРМ'],
  ['FOREIGN', 'Иностранный'],
] as const;

const NUMBERS: Readonly<Record<string, { label: string; mask: Mask; hint: string }>> = {
  REGISTRATION_CERTIFICATE: { label: 'Серия и номер СТС', mask: card, hint: '10 знаков: 99 34 567890' },
  PASSPORT: { label: 'Серия и номер ПТС', mask: vehiclePassport, hint: '10 знаков: 77 МА 345678' },
  SELF_PROPELLED_PASSPORT: { label: 'Серия и номер ПСМ', mask: partNumber, hint: 'Две буквы и шесть цифр' },
  SELF_PROPELLED_CERTIFICATE: { label: 'Серия и номер свидетельства', mask: partNumber, hint: 'Две буквы и шесть цифр' },
  FOREIGN: { label: 'Номер документа', mask: partNumber, hint: 'Буквы и цифры' },
  ELECTRONIC_PASSPORT: { label: 'Номер электронного ПТС', mask: electronicPassport, hint: '15 цифр' },
};

export function Vehicle() {
  const { draft } = useForm();
  return (
    <Section id="vehicle" title="Автомобиль" number={1}>
      {isOfDepot(draft) ? <DepotNumber /> : <Plate />}
      <Text path="vehicle.make" label="Марка" />
      <Text path="vehicle.model" label="Модель" />
      <Text path="vehicle.year" label="Год выпуска" width="pair" />
      <Text path="vehicle.enginePower" label="Мощность, л. с." width="pair" />
      <Choice path="vehicle.purpose" label="Цель использования" options={PURPOSES} width="third" />
      <Text path="vehicle.vin" label="VIN" mask={vin} width="full" optional={false} code hint="17 знаков, есть в СТС и ПТС" />
      <PartNumbers />
      <Document />
      <Kind />
    </Section>
  );
}

function DepotNumber() {
  return (
    <Text
      path="vehicle.licensePlate"
      label="Бортовой номер"
      width="full"
      code
      hint="Номер, который присвоило депо"
    />
  );
}

function PartNumbers() {
  const { problems, draft } = useForm();
  const isOpen =
    hasProblem(problems, 'vehicle.bodyNumber', 'vehicle.chassisNumber') ||
    Boolean(textOf(draft, 'vehicle.bodyNumber') || textOf(draft, 'vehicle.chassisNumber'));
  return (
    <More title="Нет VIN? Укажите номер кузова или шасси" open={isOpen}>
      <Text path="vehicle.bodyNumber" label="Номер кузова" mask={partNumber} code />
      <Text path="vehicle.chassisNumber" label="Номер шасси" mask={partNumber} code />
    </More>
  );
}

function Document() {
  const { draft } = useForm();
  const number = NUMBERS[textOf(draft, 'vehicle.document.kind')] ?? NUMBERS['REGISTRATION_CERTIFICATE']!;
  return (
    <>
      <div class="field field--full">
        <Segments path="vehicle.document.kind" label="Документ на автомобиль" options={DOCUMENTS} />
      </div>
      <Text path="vehicle.document.number" label={number.label} mask={number.mask} hint={number.hint} code />
      <Text path="vehicle.document.issuedOn" label="Дата выдачи" />
    </>
  );
}

function Kind() {
  const { draft, problems } = useForm();
  const category = textOf(draft, 'vehicle.category');
  const isOpen =
    category !== 'B' || hasProblem(problems, 'vehicle.category', 'vehicle.maxMassKg', 'vehicle.seats');
  return (
    <More title="Не легковой автомобиль или с прицепом" open={isOpen}>
      <Choice path="vehicle.category" label="Категория" options={CATEGORIES} width="full" />
      {category === 'C' && (
        <Text
          path="vehicle.maxMassKg"
          label="Разрешённая максимальная масса, кг"
          optional={false}
          width="full"
        />
      )}
      {category === 'D' && (
        <Text path="vehicle.seats" label="Пассажирских мест" optional={false} width="full" />
      )}
      <Switch path="vehicle.withTrailer" label="Езжу с прицепом" />
    </More>
  );
}
