// What a client in TypeScript writes with the types of the schema; only compiled.
import type { CreateQuoteRequestInput, DriversInput, QuoteEvent, QuoteRequestStatus } from "./schema";

export function best(event: QuoteEvent): string | null {
  switch (event.__typename) {
    case "QuoteReceived":
      return event.quote.offer?.premium.amount ?? null;
    case "QuotesCompleted":
      return event.bestQuote?.insurer.name ?? event.stub?.title ?? null;
  }
}

export const anybody: DriversInput = { unlimited: true };
// @ts-expect-error - one of the two, never both
export const both: DriversInput = { unlimited: true, listed: [] };
// @ts-expect-error - no such status
export const status: QuoteRequestStatus = "DONE";

export const input = (application: CreateQuoteRequestInput["application"]): CreateQuoteRequestInput => ({
  customerId: "customer-42",
  application: { ...application, vehicle: { ...application.vehicle, withTrailer: true } },
});
