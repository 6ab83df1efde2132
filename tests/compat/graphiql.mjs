// GraphiQL in a real browser: `node graphiql.mjs CHROMIUM URL`. Runs its tabs as a newcomer does; prints what it reads.
import { chromium } from "playwright-core";

const [executablePath, url] = process.argv.slice(2);
const SHOWN_MS_MOST = 15_000;
// For a moment after a tab is opened GraphiQL still names the operation of the one before: no hand is as fast as this.
const TOO_EARLY = "operationName.";

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage();
const foreign = [];
const wrong = [];
page.on("request", (request) => new URL(request.url()).host === new URL(url).host || foreign.push(request.url()));
page.on("pageerror", (error) => wrong.push(String(error)));

const openTab = (name) => page.locator(".graphiql-tab-button", { hasText: new RegExp(`^${name}$`) }).click();
const run = () => page.getByRole("button", { name: /^Execute query/ }).click();
/** What the result pane holds, as soon as it holds this text; the editor shows only the lines that are in view. */
const result = async (text) => {
  const waiting = page.waitForFunction(
    ([text, early]) => {
      const value = document.querySelector(".result-window .CodeMirror").CodeMirror.getValue();
      return (value.includes(text) || value.includes(early)) && value;
    },
    [text, TOO_EARLY],
    { timeout: SHOWN_MS_MOST },
  );
  const holding = await waiting.catch(async () => {
    const editors = page.locator(".CodeMirror");
    throw new Error(`no ${text} in ${await editors.evaluateAll((all) => all.map(({ CodeMirror: one }) => one.getValue()))}`);
  });
  const value = await holding.jsonValue();
  if (value.includes(text)) return JSON.parse(value);
  await run();
  return result(text);
};
const setVariable = (name, value) =>
  page.locator(".graphiql-editor-tool .CodeMirror").first().evaluate(
    (element, [name, value]) => {
      const variables = JSON.parse(element.CodeMirror.getValue());
      element.CodeMirror.setValue(JSON.stringify({ ...variables, [name]: value }, null, 2));
    },
    [name, value],
  );

await page.goto(`${url}/graphql`);
await openTab("CreateQuoteRequest");
await run();
const created = await result("QuoteRequestAccepted");

await openTab("Quotes");
await run();
const watched = await result("completed by the server");

const [end, ...quotes] = watched.newestFirst.map(({ data }) => data.quotes);
await setVariable("after", quotes.at(-1).cursor); // that of the first event
await run();
await result(`"received": ${quotes.length},`);
const resumed = await result("completed by the server");

console.log(JSON.stringify({ created, end, quotes, resumed, foreign, wrong }));
await browser.close();
