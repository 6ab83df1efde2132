/**
 * The types of the GraphQL schema. `osago schema --of typescript` prints this file: do not edit it.
 *
 * Dates, moments and decimal numbers are strings, as they are sent. Leave out of a type what your document does not ask
 * for: `Pick<Quote, "id" | "status">`.
 */

export type AddressInput = {
  /** KLADR code of the settlement: it sets the territory coefficient. */
  readonly kladr: string;
  /** The whole address as people write it, house included. */
  readonly text: string;
  /** Its id in the federal address register (GAR), of the house or of the smallest part that is known. */
  readonly fiasId?: string | null;
  readonly postalCode?: string | null;
  readonly region?: string | null;
  readonly settlement?: string | null;
  readonly street?: string | null;
  readonly house?: string | null;
  readonly flat?: string | null;
};

export type ApplicationInput = {
  readonly vehicle: VehicleInput;
  readonly policyholder: PartyInput;
  /** The policyholder if left out. */
  readonly owner?: PartyInput | null;
  readonly drivers: DriversInput;
  readonly startsOn: string;
  /** Months of use within the year of the policy, 3 to 12. */
  readonly usageMonths?: number;
  /** The policy that this one renews, or the last one of this vehicle. */
  readonly previousPolicy?: PolicyNumberInput | null;
  /** Required unless `OSAGO_REQUIRE_CONSENT` is off. */
  readonly consent?: ConsentInput | null;
};

export type Availability =
  | "AVAILABLE"
  /** Its circuit is half open: a trial call decides. */
  | "RECOVERING"
  | "UNAVAILABLE";

/** The factors of the premium as the insurer reports them; premium = the product, or less where the law caps it. */
export type Coefficients = {
  readonly __typename: "Coefficients";
  readonly baseRate: string;
  readonly territory: string;
  /** Of the drivers the largest, apart from `ageExperience`. */
  readonly bonusMalus: string;
  readonly ageExperience: string;
  readonly driverRestriction: string;
  readonly power: string;
  readonly season: string;
  readonly trailer: string;
  /** Each listed driver's own, where the insurer reports them, in the order of the application. */
  readonly drivers: readonly DriverCoefficients[] | null;
};

/** What the customer has agreed to, as it was shown. Kept sealed, with the insurers that were to be asked. */
export type ConsentInput = {
  /** Names the text that was shown, e.g. "2026-09-01". */
  readonly textVersion: string;
  readonly givenAt: string;
  /** The drivers and the owner know that their data was given, and by whom. */
  readonly othersInformed: boolean;
};

export type CreateQuoteRequestInput = {
  /** The caller's own number of the application; makes a retry safe. */
  readonly clientReference?: string | null;
  readonly customerId: string;
  readonly application: ApplicationInput;
  /** Ask only these; all if left out; an empty list is a problem. */
  readonly insurerIds?: readonly string[] | null;
};

export type CreateQuoteRequestResult = QuoteRequestAccepted | InvalidApplication | RateLimited;

export type CustomerToken = {
  readonly __typename: "CustomerToken";
  readonly token: string;
  readonly expiresAt: string;
};

export type DriverCoefficients = {
  readonly __typename: "DriverCoefficients";
  readonly bonusMalus: string;
  readonly ageExperience: string;
};

export type DriverInput = {
  readonly lastName: string;
  readonly firstName: string;
  readonly middleName?: string | null;
  readonly birthDate: string;
  readonly sex?: Sex | null;
  readonly license: DrivingLicenseInput;
  /** Since when with the right to drive this category. */
  readonly drivingSince: string;
  /** Under which the claims history is kept if licence or surname have changed: without it the class is lost. */
  readonly previousLicense?: PreviousLicenseInput | null;
};

export type DriversInput =
  | { readonly listed: readonly DriverInput[]; readonly unlimited?: never }
  | { readonly unlimited: boolean; readonly listed?: never };

export type DrivingLicenseInput = {
  /** Series and number. */
  readonly number: string;
  /** Of this licence; `drivingSince` may be long before. */
  readonly issuedOn?: string | null;
  readonly country?: string;
};

/** What an insurer sells together with the policy. */
export type Extra = {
  readonly __typename: "Extra";
  readonly code: string;
  readonly name: string;
  readonly price: Money;
  /** The policy is not sold without it. */
  readonly isMandatory: boolean;
};

export type IdentityDocumentInput = {
  readonly kind?: IdentityDocumentKind;
  /** Series and number. */
  readonly number: string;
  readonly issuedOn?: string | null;
  readonly issuedBy?: string | null;
  /** Of the office that issued a Russian passport, 000-000. */
  readonly divisionCode?: string | null;
  readonly country?: string;
};

export type IdentityDocumentKind =
  | "RUSSIAN_PASSPORT"
  | "BIRTH_CERTIFICATE"
  | "FOREIGN_PASSPORT"
  | "RESIDENCE_PERMIT"
  | "TEMPORARY_RESIDENCE_PERMIT"
  | "REFUGEE_CERTIFICATE";

export type Insurer = {
  readonly __typename: "Insurer";
  readonly id: string;
  readonly name: string;
  readonly availability: Availability;
};

export type InvalidApplication = {
  readonly __typename: "InvalidApplication";
  readonly problems: readonly Problem[];
};

export type Money = {
  readonly __typename: "Money";
  readonly amount: string;
  /** ISO 4217. */
  readonly currency: string;
};

export type Offer = {
  readonly __typename: "Offer";
  /** The insurer's own number of the offer. */
  readonly number: string;
  readonly premium: Money;
  readonly coefficients: Coefficients | null;
  /** The premium and every mandatory extra: what the customer pays. `bestQuote` is by this. */
  readonly total: Money;
  readonly extras: readonly Extra[];
  /** Where the insurer moves the start; null: as asked. */
  readonly startsOn: string | null;
  readonly validUntil: string | null;
  /** Where the customer goes to buy; always https. */
  readonly purchaseUrl: string | null;
};

export type OrganisationInput = {
  readonly name: string;
  /** 10 digits. */
  readonly inn: string;
  readonly kpp?: string | null;
  /** 13 digits. */
  readonly ogrn: string;
  readonly address: AddressInput;
  readonly phone?: string | null;
  readonly email?: string | null;
};

export type Outcome =
  | "ALL_ANSWERED"
  | "DEADLINE"
  | "CANCELLED";

export type PartyInput =
  | { readonly person: PersonInput; readonly organisation?: never }
  | { readonly organisation: OrganisationInput; readonly person?: never };

export type PersonInput = {
  readonly lastName: string;
  readonly firstName: string;
  /** Left out, empty or a hyphen: there is none. */
  readonly middleName?: string | null;
  readonly birthDate: string;
  readonly sex?: Sex | null;
  readonly citizenship?: string;
  readonly document: IdentityDocumentInput;
  readonly address: AddressInput;
  /** Required of the policyholder. */
  readonly phone?: string | null;
  /** Required of the policyholder: the policy is sent there. */
  readonly email?: string | null;
};

export type PolicyNumberInput = {
  /** E.g. ХХХ. */
  readonly series: string;
  /** 10 digits. */
  readonly number: string;
};

export type PreviousLicenseInput = {
  readonly number: string;
  /** The surname it was issued to, if that has changed. */
  readonly lastName?: string | null;
};

export type Problem = {
  readonly __typename: "Problem";
  /** Where in the input, e.g. ["application", "drivers", "listed", "0", "birthDate"]. */
  readonly path: readonly string[];
  /** Stable, for programs: e.g. VIN_INVALID. */
  readonly code: string;
  /** For people. */
  readonly message: string;
};

export type Progress = {
  readonly __typename: "Progress";
  /** Quotes that are no longer PENDING. */
  readonly answered: number;
  readonly total: number;
};

export type Quote = {
  readonly __typename: "Quote";
  readonly id: string;
  readonly insurer: Insurer;
  readonly status: QuoteStatus;
  /** Set when the status is OFFERED. */
  readonly offer: Offer | null;
  /** Set when the status is neither PENDING nor OFFERED. */
  readonly reason: Reason | null;
  readonly receivedAt: string | null;
};

export type QuoteEvent = QuoteReceived | QuotesCompleted;

export type QuoteOrder =
  | "RECEIVED_AT"
  | "PREMIUM"
  | "TOTAL";

export type QuoteReceived = {
  readonly __typename: "QuoteReceived";
  readonly cursor: string;
  readonly requestId: string;
  readonly quote: Quote;
  readonly progress: Progress;
};

export type QuoteRequest = {
  readonly __typename: "QuoteRequest";
  readonly id: string;
  readonly clientReference: string | null;
  readonly customerId: string;
  readonly status: QuoteRequestStatus;
  readonly createdAt: string;
  /** No answer is waited for after this moment. */
  readonly expiresAt: string;
  /** The same as seconds from now, for clients whose clock is wrong; 0 when it has ended. */
  readonly remainingSeconds: number;
  readonly completedAt: string | null;
  readonly progress: Progress;
  /** One per asked insurer, also those still PENDING; by default in the order of arrival. */
  readonly quotes: readonly Quote[];
  /** The lowest total so far. */
  readonly bestQuote: Quote | null;
};

export type QuoteRequestAccepted = {
  readonly __typename: "QuoteRequestAccepted";
  readonly quoteRequest: QuoteRequest;
  /** What is unusual and may be a typing error; nothing was refused for it. */
  readonly warnings: readonly Problem[];
  /** Lets a browser watch this one request, until it expires: pass it in connection_init as `{ "token": … }`. */
  readonly watchToken: string;
};

export type QuoteRequestStatus =
  /** Insurers are being asked. */
  | "COLLECTING"
  /** Every insurer has answered or the time is up, and there is at least one offer. */
  | "COMPLETED"
  /** Every insurer has answered or the time is up, and there is no offer. */
  | "NO_OFFERS"
  | "CANCELLED";

export type QuoteStatus =
  | "PENDING"
  | "OFFERED"
  /** The insurer refuses this application. */
  | "DECLINED"
  /** The insurer"s API failed or answered nonsense, retries included. */
  | "FAILED"
  /** The insurer was not asked: its circuit is open. */
  | "UNAVAILABLE"
  /** No answer by `expiresAt`. */
  | "TIMED_OUT"
  | "CANCELLED";

export type QuotesCompleted = {
  readonly __typename: "QuotesCompleted";
  readonly cursor: string;
  readonly requestId: string;
  readonly outcome: Outcome;
  readonly progress: Progress;
  readonly bestQuote: Quote | null;
  /** Shown when there is no offer. */
  readonly stub: Stub | null;
};

export type RateLimited = {
  readonly __typename: "RateLimited";
  readonly retryAfterSeconds: number;
};

export type Reason = {
  readonly __typename: "Reason";
  readonly code: string;
  readonly message: string;
  /** The insurer's own code, where it gave a plain one. */
  readonly insurerCode: string | null;
  /** What the customer can mend, with paths into the application: then asking again makes sense. */
  readonly problems: readonly Problem[];
};

export type Sex =
  | "FEMALE"
  | "MALE";

export type Stub = {
  readonly __typename: "Stub";
  readonly title: string;
  readonly message: string;
  /** When it makes sense to ask again. */
  readonly retryAfterSeconds: number | null;
};

export type VehicleCategory =
  | "A"
  | "B"
  | "C"
  | "D"
  | "TRACTOR"
  | "TRAM"
  | "TROLLEYBUS";

export type VehicleDocumentInput = {
  readonly kind: VehicleDocumentKind;
  /** Series and number without spaces; the 15 digits of an electronic passport. */
  readonly number: string;
  readonly issuedOn: string;
};

export type VehicleDocumentKind =
  | "REGISTRATION_CERTIFICATE"
  | "PASSPORT"
  | "ELECTRONIC_PASSPORT"
  /** ПСМ: of tractors and other self-propelled machines, likewise the certificate. */
  | "SELF_PROPELLED_PASSPORT"
  | "SELF_PROPELLED_CERTIFICATE"
  /** Of a vehicle registered abroad. */
  | "FOREIGN";

export type VehicleInput = {
  readonly category?: VehicleCategory;
  readonly make: string;
  readonly model: string;
  /** Ids in the caller's own dictionary of vehicles, passed on to adapters that map them. */
  readonly makeId?: string | null;
  readonly modelId?: string | null;
  readonly year: number;
  /** Horsepower. */
  readonly enginePower: string;
  /** State registration plate, e.g. А123ВС77; left out while the vehicle has none. */
  readonly licensePlate?: string | null;
  /** One of vin, bodyNumber, chassisNumber is required. */
  readonly vin?: string | null;
  readonly bodyNumber?: string | null;
  readonly chassisNumber?: string | null;
  readonly document: VehicleDocumentInput;
  readonly purpose?: VehiclePurpose;
  /** Permitted maximum mass, for category C. */
  readonly maxMassKg?: number | null;
  /** Passenger seats, for category D. */
  readonly seats?: number | null;
  readonly withTrailer?: boolean;
  readonly registrationCountry?: string;
  /** On its way to the place of its registration. */
  readonly isInTransit?: boolean;
};

export type VehiclePurpose =
  | "PERSONAL"
  | "TAXI"
  | "RENTAL"
  | "DRIVING_SCHOOL"
  /** On regular routes: a corridor of its own. */
  | "REGULAR_ROUTES"
  | "CHARTERED_PASSENGERS"
  | "DANGEROUS_GOODS"
  | "EMERGENCY_SERVICES"
  | "OTHER";
