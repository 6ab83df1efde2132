// Starts Chromium, and drives it for the tests over a socket: `bridge.mjs EXECUTABLE SOCKET`. Prints a line once it listens, and
// ends with stdin. A connection is a test with tabs of its own, which are closed with it: each line of it is
// `{id, page, code, args}`, a body of an async function over a page; each line back what came of it. A page is opened by the first line that names it.
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const STEP_MS_MOST = 20_000;
const AsyncFunction = (async () => {}).constructor;

const [, , executablePath, socket] = process.argv;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

/** The tabs of one test. Without motion, unless its options say otherwise: it would be drawn by the processor, sixty times a second. */
class Tabs {
  #pages = new Map();
  #contexts = new Map();

  async page({ page: name, context: shared = name, options = {} }) {
    if (!this.#pages.has(name)) {
      if (!this.#contexts.has(shared)) {
        this.#contexts.set(shared, await browser.newContext({ locale: 'ru-RU', reducedMotion: 'reduce', ...options }));
      }
      this.#pages.set(name, await watched(await this.#contexts.get(shared).newPage()));
    }
    return this.#pages.get(name);
  }

  async close() {
    await Promise.all([...this.#contexts.values()].map((context) => context.close()));
  }
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

async function serve(connection) {
  const tabs = new Tabs();
  const answer = (document) => connection.write(`${JSON.stringify(document)}\n`);
  for await (const line of createInterface({ input: connection })) {
    const { id, code, args, ...where } = JSON.parse(line);
    const page = await tabs.page(where);
    const run = new AsyncFunction('page', 'args', code);
    run(page, args)
      .then((result) => answer({ id, result: result ?? null }))
      .catch((error) => answer({ id, error: error.message }));
  }
  await tabs.close();
  connection.end();
}

const server = createServer({ allowHalfOpen: true }, serve);
server.listen(socket, () => console.log('listening'));
process.stdin.on('end', () => browser.close().then(() => process.exit())).resume();
