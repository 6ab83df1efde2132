// Asks for quotes as a service does, then watches them as a browser does: OSAGO_TOKEN=… node javascript_client.mjs
// In a browser only the second half runs, and needs no token but the watchToken that your service hands it.
import { readFile } from "node:fs/promises";
import { createClient } from "graphql-ws";

const url = process.env.OSAGO_URL ?? "http://127.0.0.1:8000/graphql";
const CREATE = `mutation ($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename
  ... on QuoteRequestAccepted { watchToken quoteRequest { id } }
  ... on InvalidApplication { problems { path code message } } ... on RateLimited { retryAfterSeconds } } }`;
const WATCH = `subscription ($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  ... on QuoteReceived { cursor quote { insurer { name } offer { premium { amount } } reason { message } } }
  ... on QuotesCompleted { cursor outcome bestQuote { insurer { name } } stub { title message } } } }`;

// The service.
const application = JSON.parse(await readFile(new URL("application.json", import.meta.url), "utf8"));
application.startsOn = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10);
application.consent.givenAt = new Date().toISOString();
const input = { customerId: "customer-42", clientReference: crypto.randomUUID(), application };
const response = await fetch(url, {
  method: "POST",
  headers: { Authorization: `Bearer ${process.env.OSAGO_TOKEN}`, "Content-Type": "application/json" },
  body: JSON.stringify({ query: CREATE, variables: { input } }),
});
const { data, errors } = await response.json();
const accepted = data?.createQuoteRequest;
if (accepted?.__typename !== "QuoteRequestAccepted") throw new Error(JSON.stringify(errors ?? accepted));

// The browser.
const { WebSocket } = await import("ws"); // Node 20 has none of its own
class BrowserSocket extends WebSocket { // a browser names the page's origin
  constructor(address, protocols) { super(address, protocols, { origin: new URL(url).origin }); }
}
let waitMs = 500;
const client = createClient({
  url: url.replace(/^http/, "ws"),
  connectionParams: { token: accepted.watchToken },
  webSocketImpl: BrowserSocket,
  keepAlive: 10_000, // finds a connection that died silently
  retryAttempts: 60,
  shouldRetry(event) { // also when the server is away for a moment; with too many connects at once it says how long (1013)
    waitMs = 1000 * (/try again in ([\d.]+) s/.exec(event?.reason)?.[1] ?? 0.5);
    return true;
  },
  retryWait: () => new Promise((resolve) => setTimeout(resolve, waitMs + 500 * Math.random())), // not all at once
});
const variables = { requestId: accepted.quoteRequest.id, after: null };
await new Promise((complete, error) => {
  client.subscribe(
    { query: WATCH, variables },
    {
      next({ data: { quotes } }) {
        variables.after = quotes.cursor; // graphql-ws sends these variables again when it reconnects: it goes on from here
        console.log(JSON.stringify(quotes));
      },
      complete,
      error,
    },
  );
});
await client.dispose();
