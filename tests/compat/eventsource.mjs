// A browser's own EventSource: `node eventsource.mjs CHROMIUM URL REQUEST_ID WATCH_TOKEN`. Prints each event as a line of JSON.
import { chromium } from "playwright-core";

const [executablePath, url, requestId, token] = process.argv.slice(2);
const WATCH = `subscription Watch($requestId: ID!) { quotes(requestId: $requestId) {
  __typename ... on QuoteReceived { cursor quote { insurer { id } } } ... on QuotesCompleted { cursor outcome } } }`;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage();
const urls = [];
page.on("request", (request) => urls.push(request.url()));
await page.exposeFunction("show", (event) => console.log(JSON.stringify(event)));
await page.goto(`${url}/healthz`); // any page of the API's own site

const ended = await page.evaluate(
  async ([query, requestId, token]) => {
    const headers = { authorization: `Bearer ${token}` };
    const { ticket } = await (await fetch("/osago/tickets", { method: "POST", headers })).json();
    const parameters = new URLSearchParams({ query, variables: JSON.stringify({ requestId }), ticket });
    const source = new EventSource(`/graphql?${parameters}`);
    return new Promise((resolve) => {
      source.addEventListener("next", ({ data }) => window.show(JSON.parse(data).data.quotes));
      source.addEventListener("complete", () => resolve("complete"));
      source.addEventListener("error", () => source.readyState === EventSource.CLOSED && resolve("closed"));
    });
  },
  [WATCH, requestId, token],
);
await browser.close();
if (ended !== "complete") throw new Error(ended);
if (urls.some((one) => one.includes(token))) throw new Error("the token is in an URL");
