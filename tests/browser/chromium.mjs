// Starts Chromium, prints where the bridge finds it, and ends it with stdin.
import { chromium } from 'playwright-core';

const server = await chromium.launchServer({ executablePath: process.argv[2], args: ['--no-sandbox'] });
console.log(server.wsEndpoint());
process.stdin.on('end', () => server.close()).resume();
