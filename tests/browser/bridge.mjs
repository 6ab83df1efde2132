// Drives Chromium for the tests: each line on stdin is `{id, page, code, args}`, a body of an async function over a page;
// each line on stdout what came of it. A page is opened by the first line that names it.
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const STEP_MS_MOST = 20_000;
const AsyncFunction = (async () => {}).constructor;

const browser = await chromium.connect(process.argv[2]);
const pages = new Map();
const contexts = new Map();

async function opened({ page: name, context: shared = name, options = {} }) {
  if (!pages.has(name)) {
    if (!contexts.has(shared)) contexts.set(shared, await browser.newContext({ locale: 'ru-RU', ...options }));
    pages.set(name, await watched(await contexts.get(shared).newPage()));
  }
  return pages.get(name);
}

/** A page that remembers what went wrong in it, what it asked of the world outside, and what it sent in sockets. */
async function watched(page) {
  page.setDefaultTimeout(STEP_MS_MOST);
  page.errors = [];
  page.outside = [];
  page.frames_sent = [];
  page.on('pageerror', (error) => page.errors.push(error.message));
  page.on('console', (message) => {
    // A lost connection is a line of the browser's own, in the tests that cut it.
    if (message.type() === 'error' && !/net::ERR_|WebSocket connection|Failed to load resource/.test(message.text())) {
      page.errors.push(message.text());
    }
  });
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1') page.outside.push(request.url());
  });
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => page.frames_sent.push(JSON.parse(payload))));
  return page;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, code, args, ...where } = JSON.parse(line);
  const page = await opened(where);
  const run = new AsyncFunction('page', 'args', code);
  run(page, args)
    .then((result) => console.log(JSON.stringify({ id, result: result ?? null })))
    .catch((error) => console.log(JSON.stringify({ id, error: error.message })));
}
await browser.close();
