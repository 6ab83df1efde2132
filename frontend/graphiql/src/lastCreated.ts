/**
 * Remembers the id of the quote request created last, so that the examples can be run one after the other without
 * copying it. It lives as long as the browser's tab.
 */

/** Stands for that id as the value of a variable. */
export const LAST_CREATED = 'LAST_CREATED';

const KEY = 'osago:lastCreated';

export class NothingCreated extends Error {
  override message =
    `No quote request has been created in this browser tab yet, so "${LAST_CREATED}" stands for nothing. ` +
    'Run CreateQuoteRequest first, or put an id there.';
}

export type Variables = Readonly<Record<string, unknown>>;

export function fillIn(variables: Variables | undefined): Variables | undefined {
  if (!variables || !Object.values(variables).includes(LAST_CREATED)) return variables;
  const id = sessionStorage.getItem(KEY);
  if (id === null) throw new NothingCreated();
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, value === LAST_CREATED ? id : value]),
  );
}

/** Takes the id out of `{<any name>: {quoteRequest: {id}}}`, the answer to createQuoteRequest. */
export function remember(data: unknown): void {
  for (const field of Object.values(data ?? {})) {
    const id: unknown = field?.quoteRequest?.id;
    if (typeof id === 'string') sessionStorage.setItem(KEY, id);
  }
}
