// Makes the API's ApplicationInput of a draft. What cannot even be written in it (half a date, an empty field) is told
// here; everything else the API checks, and nobody else.

import { Draft, driversOf, isSet, plateOf, textOf } from './draft';

export type Problems = Readonly<Record<string, string>>;
type Json = Record<string, unknown>;

export const FILL_IN = 'Заполните это поле.';
export const DATE_WRONG = 'Пожалуйста, укажите дату полностью: день, месяц и год, например 31.05.2024.';
const NUMBER_ONE_OF = 'Пожалуйста, укажите VIN, номер кузова или номер шасси: нужен хотя бы один из них.';

export interface Written {
  input: Json;
  problems: Problems;
}

/** The input, and what is wrong with it already. */
export function written(draft: Draft): Written {
  const writer = new Writer(draft);
  const input: Json = {
    vehicle: vehicle(writer),
    policyholder: person(writer, 'policyholder'),
    ...(isSet(draft, 'is owner another') ? { owner: person(writer, 'owner') } : {}),
    drivers: drivers(writer),
    startsOn: writer.date('startsOn'),
    usageMonths: writer.whole('usageMonths'),
  };
  return { input, problems: writer.problems };
}

class Writer {
  readonly problems: Record<string, string> = {};

  constructor(readonly draft: Draft) {}

  optional(path: string): string | undefined {
    return textOf(this.draft, path).trim() || undefined;
  }

  text(path: string): string | undefined {
    const text = this.optional(path);
    if (!text) this.problems[path] = FILL_IN;
    return text;
  }

  whole(path: string): number | undefined {
    const text = this.text(path);
    return text ? Number(text) : undefined;
  }

  wholeIfAny(path: string): number | undefined {
    return this.optional(path) ? this.whole(path) : undefined;
  }

  decimal(path: string): string | undefined {
    return this.text(path)?.replace(',', '.').replace(/\.$/, '');
  }

  date(path: string): string | undefined {
    const text = this.text(path);
    if (!text) return undefined;
    const [day, month, year] = text.split('.');
    const iso = `${year}-${month}-${day}`;
    const moment = new Date(`${iso}T00:00:00Z`);
    if (text.length === 10 && !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(iso)) return iso;
    this.problems[path] = DATE_WRONG;
    return undefined;
  }

  dateIfAny(path: string): string | undefined {
    return this.optional(path) ? this.date(path) : undefined;
  }
}

function vehicle(writer: Writer): Json {
  const { draft } = writer;
  const numbers = {
    vin: writer.optional('vehicle.vin'),
    bodyNumber: writer.optional('vehicle.bodyNumber'),
    chassisNumber: writer.optional('vehicle.chassisNumber'),
  };
  if (!Object.values(numbers).some(Boolean)) writer.problems['vehicle.vin'] = NUMBER_ONE_OF;
  return {
    category: textOf(draft, 'vehicle.category'),
    make: writer.text('vehicle.make'),
    model: writer.text('vehicle.model'),
    year: writer.whole('vehicle.year'),
    enginePower: writer.decimal('vehicle.enginePower'),
    licensePlate: plateOf(draft) || undefined,
    ...numbers,
    document: {
      kind: textOf(draft, 'vehicle.document.kind'),
      number: writer.text('vehicle.document.number'),
      issuedOn: writer.date('vehicle.document.issuedOn'),
    },
    purpose: textOf(draft, 'vehicle.purpose'),
    maxMassKg: writer.wholeIfAny('vehicle.maxMassKg'),
    seats: writer.wholeIfAny('vehicle.seats'),
    withTrailer: isSet(draft, 'vehicle.withTrailer'),
  };
}

function named(writer: Writer, path: string): Json {
  return {
    lastName: writer.text(`${path}.lastName`),
    firstName: writer.text(`${path}.firstName`),
    middleName: writer.optional(`${path}.middleName`),
    birthDate: writer.date(`${path}.birthDate`),
  };
}

function person(writer: Writer, path: string): Json {
  return {
    ...named(writer, path),
    passport: writer.text(`${path}.passport`),
    passportIssuedOn: writer.dateIfAny(`${path}.passportIssuedOn`),
    address: { kladr: writer.text(`${path}.address.kladr`), text: writer.text(`${path}.address.text`) },
    phone: writer.optional(`${path}.phone`),
    email: writer.optional(`${path}.email`),
  };
}

function drivers(writer: Writer): Json {
  if (isSet(writer.draft, 'are drivers unlimited')) return { unlimited: true };
  const listed = Array.from({ length: driversOf(writer.draft) }, (_, at) => {
    const path = `drivers.listed.${at}`;
    return {
      ...named(writer, path),
      license: writer.text(`${path}.license`),
      drivingSince: writer.date(`${path}.drivingSince`),
    };
  });
  return { listed };
}

/** The API's problems by the paths of the draft; the API writes dates its own way. */
export function problemsByPath(
  problems: readonly { path: readonly string[]; code: string; message: string }[],
): Problems {
  const byPath: Record<string, string> = {};
  for (const { path, code, message } of problems) {
    const place = path[0] === 'application' ? path.slice(1).join('.') : path.join('.');
    byPath[place] ??= code === 'DATE_INVALID' ? DATE_WRONG : message;
  }
  return byPath;
}
