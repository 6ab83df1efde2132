/**
 * Where GraphiQL keeps tabs and history: the browser's localStorage, without the tokens. GraphiQL leaves headers out of
 * the stored tabs by itself, but writes them into the history.
 */
import { createLocalStorage, type Storage } from '@graphiql/toolkit';

import type { Example } from './examples';

const HISTORY = ['graphiql:queries', 'graphiql:favorites'];
const TABS = 'graphiql:tabState';
const QUERY = 'graphiql:query';
const VARIABLES = 'graphiql:variables';
const OPENED = 'openedExamples';

const local = createLocalStorage({ namespace: 'osago' });

/** Headers are never written; where the history is read, those of the page stand in for them. */
export function tokenFreeStorage(headers: string | undefined): Storage {
  return {
    getItem(key) {
      const value = local.getItem(key);
      return value && HISTORY.includes(key) ? replaceHeaders(value, headers) : value;
    },
    setItem(key, value) {
      local.setItem(key, HISTORY.includes(key) ? replaceHeaders(value, undefined) : value);
    },
    removeItem: (key) => local.removeItem(key),
    clear: () => local.clear(),
    get length() {
      return local.length;
    },
  };
}

/**
 * Opens the examples, unless the user has tabs of their own. Tabs that are still the examples, as they were when they
 * were opened, count as none: the examples of today have a start date that is still to come.
 */
export function openExamples(examples: readonly [Example, ...Example[]]): void {
  const stored = storedTabs();
  if (stored !== null && stored !== local.getItem(OPENED)) return;
  const [{ query, variables }] = examples;
  local.removeItem(TABS); // GraphiQL then takes its default tabs …
  local.setItem(QUERY, query); // … and looks for the contents of the first one here
  local.setItem(VARIABLES, variables);
  local.setItem(OPENED, comparable(examples));
}

function storedTabs(): string | null {
  try {
    return comparable(JSON.parse(local.getItem(TABS) ?? '').tabs);
  } catch {
    return null; // nothing stored, or nothing that GraphiQL could read either
  }
}

function comparable(tabs: readonly { query?: unknown; variables?: unknown }[]): string {
  return JSON.stringify(tabs.map(({ query, variables }) => [query, variables]));
}

function replaceHeaders(json: string, headers: string | undefined): string {
  const lists = JSON.parse(json) as Record<string, object[]>;
  for (const name in lists) lists[name] = lists[name]!.map((item) => ({ ...item, headers }));
  return JSON.stringify(lists);
}
