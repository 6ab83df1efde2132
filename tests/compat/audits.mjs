// The audits of graphql-http against a server: `node audits.mjs URL TOKEN`. Prints each with its outcome, as JSON.
import { serverAudits } from "graphql-http";

const [url, token] = process.argv.slice(2);

const fetchFn = (address, init = {}) =>
  fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const outcomes = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { status, reason } = await audit.fn();
  outcomes.push({ id: audit.id, name: audit.name, status, reason: reason ?? null });
}
console.log(JSON.stringify(outcomes));
