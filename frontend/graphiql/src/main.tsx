/** Starts GraphiQL with what the server wrote into the page. */
import 'graphiql/style.css';
import './style.css';

import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';

import { readConfig } from './config';
import { examples } from './examples';
import { createFetcher } from './fetcher';
import { openExamples, tokenFreeStorage } from './storage';

const config = readConfig();
const headers = Object.keys(config.headers).length ? JSON.stringify(config.headers, null, 2) : undefined;
const defaultTabs = examples(config.startsOn);
openExamples(defaultTabs);

createRoot(document.getElementById('graphiql')!).render(
  <GraphiQL
    fetcher={createFetcher(config.url)}
    storage={tokenFreeStorage(headers)}
    defaultTabs={defaultTabs}
    defaultHeaders={headers}
    shouldPersistHeaders={false}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>OSAGO aggregator</GraphiQL.Logo>
  </GraphiQL>,
);
