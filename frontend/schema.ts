/**
 * The types of the GraphQL schema. `osago schema --of typescript` prints this file: do not edit it.
 *
 * Dates, moments and decimal numbers are strings, as they are sent. Leave out of a type what your document does not ask
 * for: `Pick<Quote, "id" | "status">`.
 */

export type AddressInput = {
  /** KLADR code of the settlement: it sets the territory coefficient. */
  readonly kladr: string;
  readonly text: string;
};

export type ApplicationInput = {
  readonly vehicle: VehicleInput;
  readonly policyholder: PersonInput;
  /** The policyholder if left out. */
  readonly owner?: PersonInput | null;
  readonly drivers: DriversInput;
  readonly startsOn: string;
  /** Months of use within the year of the policy, 3 to 12. */
  readonly usageMonths?: number;
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
  /** Series and number of the driving licence. */
  readonly license: string;
  readonly drivingSince: string;
};

export type DriversInput =
  | { readonly listed: readonly DriverInput[]; readonly unlimited?: never }
  | { readonly unlimited: boolean; readonly listed?: never };

/** What an insurer sells together with the policy. */
export type Extra = {
  readonly __typename: "Extra";
  readonly code: string;
  readonly name: string;
  readonly price: Money;
  /** The policy is not sold without it. */
  readonly isMandatory: boolean;
};

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

export type Outcome =
  | "ALL_ANSWERED"
  | "DEADLINE"
  | "CANCELLED";

export type PersonInput = {
  readonly lastName: string;
  readonly firstName: string;
  readonly middleName?: string | null;
  readonly birthDate: string;
  /** Series and number of the internal passport, 10 digits. */
  readonly passport: string;
  readonly passportIssuedOn?: string | null;
  readonly address: AddressInput;
  readonly phone?: string | null;
  readonly email?: string | null;
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
  | "ELECTRONIC_PASSPORT";

export type VehicleInput = {
  readonly category?: VehicleCategory;
  readonly make: string;
  readonly model: string;
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
};

export type VehiclePurpose =
  | "PERSONAL"
  | "TAXI"
  | "RENTAL"
  | "DRIVING_SCHOOL"
  | "OTHER";
