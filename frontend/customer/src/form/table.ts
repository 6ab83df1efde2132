// The fields of an application. `make schema` prints this file from the tables of fields: do not edit it.

/** By the API's paths; `*` is a driver's place in the list. */
export const FIELDS = {
  'vehicle.category': { kind: 'choice', isRequired: false },
  'vehicle.make': { kind: 'text', isRequired: true },
  'vehicle.model': { kind: 'text', isRequired: true },
  'vehicle.year': { kind: 'whole', isRequired: true },
  'vehicle.enginePower': { kind: 'decimal', isRequired: true },
  'vehicle.licensePlate': { kind: 'text', isRequired: false },
  'vehicle.vin': { kind: 'text', isRequired: false },
  'vehicle.bodyNumber': { kind: 'text', isRequired: false },
  'vehicle.chassisNumber': { kind: 'text', isRequired: false },
  'vehicle.document.kind': { kind: 'choice', isRequired: true },
  'vehicle.document.number': { kind: 'text', isRequired: true },
  'vehicle.document.issuedOn': { kind: 'date', isRequired: true },
  'vehicle.purpose': { kind: 'choice', isRequired: false },
  'vehicle.maxMassKg': { kind: 'whole', isRequired: false },
  'vehicle.seats': { kind: 'whole', isRequired: false },
  'vehicle.withTrailer': { kind: 'flag', isRequired: false },
  'policyholder.lastName': { kind: 'text', isRequired: true },
  'policyholder.firstName': { kind: 'text', isRequired: true },
  'policyholder.middleName': { kind: 'text', isRequired: false },
  'policyholder.birthDate': { kind: 'date', isRequired: true },
  'policyholder.passport': { kind: 'text', isRequired: true },
  'policyholder.passportIssuedOn': { kind: 'date', isRequired: false },
  'policyholder.address.kladr': { kind: 'text', isRequired: true },
  'policyholder.address.text': { kind: 'text', isRequired: true },
  'policyholder.phone': { kind: 'text', isRequired: false },
  'policyholder.email': { kind: 'text', isRequired: false },
  'owner.lastName': { kind: 'text', isRequired: true },
  'owner.firstName': { kind: 'text', isRequired: true },
  'owner.middleName': { kind: 'text', isRequired: false },
  'owner.birthDate': { kind: 'date', isRequired: true },
  'owner.passport': { kind: 'text', isRequired: true },
  'owner.passportIssuedOn': { kind: 'date', isRequired: false },
  'owner.address.kladr': { kind: 'text', isRequired: true },
  'owner.address.text': { kind: 'text', isRequired: true },
  'owner.phone': { kind: 'text', isRequired: false },
  'owner.email': { kind: 'text', isRequired: false },
  'drivers.listed.*.lastName': { kind: 'text', isRequired: true },
  'drivers.listed.*.firstName': { kind: 'text', isRequired: true },
  'drivers.listed.*.middleName': { kind: 'text', isRequired: false },
  'drivers.listed.*.birthDate': { kind: 'date', isRequired: true },
  'drivers.listed.*.license': { kind: 'text', isRequired: true },
  'drivers.listed.*.drivingSince': { kind: 'date', isRequired: true },
  'drivers.unlimited': { kind: 'flag', isRequired: false },
  'startsOn': { kind: 'date', isRequired: true },
  'usageMonths': { kind: 'whole', isRequired: false },
} as const;

/** At least one of them is given. */
export const NUMBERS = ['vehicle.vin', 'vehicle.bodyNumber', 'vehicle.chassisNumber'] as const;
export const DRIVERS_MAX = 50;
export const [USAGE_MONTHS_MIN, USAGE_MONTHS_MAX] = [3, 12] as const;

/** The API's messages of the problems that the page finds by itself. */
export const MESSAGES = {
  REQUIRED: 'Пожалуйста, заполните это поле.',
  VEHICLE_NUMBER_REQUIRED: 'Пожалуйста, укажите VIN, номер кузова или номер шасси: нужен хотя бы один из них.',
} as const;
