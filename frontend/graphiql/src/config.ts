/** What the server writes into the page: where the API is, and what to fill in so that the examples run at once. */

export type Config = {
  /** The path of the GraphQL endpoint; WebSockets go to the same one. */
  readonly url: string;
  /** What the headers editor holds at each load, e.g. a service token of the demo. */
  readonly headers: Readonly<Record<string, string>>;
  /** A first day that a policy may have, YYYY-MM-DD. */
  readonly startsOn: string;
};

export function readConfig(): Config {
  const element = document.getElementById('config');
  return JSON.parse(element?.textContent ?? '') as Config;
}
