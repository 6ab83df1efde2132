// The example that fills the form with one click: an invented car with invented people.

import { serverNow } from '../clock';
import { dayAhead } from '../words';
import { Draft, EMPTY } from './draft';

const DAYS_AHEAD = 10;

export function example(): Draft {
  return {
    ...EMPTY,
    ...CAR,
    ...POLICYHOLDER,
    ...driver(0, ['Кузнецов', 'Илья', 'Сергеевич', '23.11.1990', '99 23 456781', '05.06.2009']),
    ...driver(1, ['Кузнецова', 'Мария', 'Андреевна', '08.03.1965', '77 АВ 567812', '30.07.1994']),
    drivers: '2',
    'is consent given': true,
    'consent given at': new Date(serverNow()).toISOString(),
    'are others informed': true,
    startsOn: dayAhead(DAYS_AHEAD),
  };
}

const CAR: Draft = {
  'vehicle.make': 'Lada',
  'vehicle.model': 'Vesta',
  'vehicle.year': '2021',
  'vehicle.enginePower': '122',
  'plate series': 'К 456 МН',
  'plate region': '799',
  'vehicle.vin': 'XTAGFL110MY654321',
  'vehicle.document.number': '99 34 567890',
  'vehicle.document.issuedOn': '14.09.2021',
};

const POLICYHOLDER: Draft = {
  'policyholder.person.lastName': 'Кузнецов',
  'policyholder.person.firstName': 'Илья',
  'policyholder.person.middleName': 'Сергеевич',
  'policyholder.person.birthDate': '23.11.1990',
  'policyholder.person.document.number': '45 10 987654',
  'policyholder.person.document.issuedOn': '19.01.2011',
  'policyholder.person.address.text': 'г Москва, ул Лесная, д 7, кв 12',
  'policyholder.person.phone': '+7 903 111-22-33',
  'policyholder.person.email': 'kuznetsov@example.com',
};

function driver(at: number, values: readonly string[]): Draft {
  const names = ['lastName', 'firstName', 'middleName', 'birthDate', 'license.number', 'drivingSince'];
  return Object.fromEntries(names.map((name, index) => [`drivers.listed.${at}.${name}`, values[index] ?? '']));
}
