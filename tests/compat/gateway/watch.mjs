// Watches a request through the gateway, to its end: `node watch.mjs URL REQUEST_ID TOKEN`. Prints each event as a line of JSON.
// When gateway or subgraph breaks in between, it goes on from its last cursor.
import { createClient } from "graphql-sse";

const [url, requestId, token] = process.argv.slice(2);
const query = `subscription Watch($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename
  ... on QuoteReceived { cursor quote { insurer { id name rating } status } }
  ... on QuotesCompleted { cursor outcome } } }`;
const PAUSE_MS = 100;
const variables = { requestId, after: null };
let isOver = false;

function show({ data, errors }) {
  if (errors) return console.error(JSON.stringify(errors));
  variables.after = data.quotes.cursor;
  isOver = data.quotes.__typename === "QuotesCompleted";
  console.log(JSON.stringify(data.quotes));
}

// A stream that breaks off between gateway and subgraph looks like one that has ended: only the last event is the end.
while (!isOver) {
  const client = createClient({ url, headers: { authorization: `Bearer ${token}` }, retryAttempts: 0 });
  await new Promise((done) => client.subscribe({ query, variables }, { next: show, complete: done, error: done }));
  client.dispose();
  await new Promise((resume) => setTimeout(resume, PAUSE_MS));
}
