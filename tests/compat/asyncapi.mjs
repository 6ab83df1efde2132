// Reads an AsyncAPI document with the official parser; prints what it has to say, errors and warnings, and the channels.
import { readFileSync } from 'node:fs';
import asyncapi from '@asyncapi/parser';

const { document, diagnostics } = await new asyncapi.Parser().parse(readFileSync(process.argv[2], 'utf8'));
// 0 is an error, 1 a warning; 2 and 3 are hints.
const problems = diagnostics.filter(({ severity }) => severity < 2).map(({ path, message }) => `${path.join('/')}: ${message}`);
const channels = document?.allChannels().all().map((channel) => channel.id()) ?? [];
console.log(JSON.stringify({ problems, channels }));
