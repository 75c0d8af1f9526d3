import { loadConfig } from '../config/load.ts';
import { checkSecond, run } from './run.ts';
import { findOrStart, type Server } from './server.ts';
import { readParagraphs } from './text.ts';

// `npm run demo`: counts the words of nine chapters of Moby-Dick with the pool, twice. Ends with 0 only when
// everything is as it says.

async function main(signal: AbortSignal): Promise<void> {
  const paragraphs = readParagraphs();
  const server = await findOrStart(loadConfig(), signal);
  try {
    await Promise.race([demonstrate(server, paragraphs), untilAborted(signal)]);
  } finally {
    if (server.startedHere) console.log('\nStopping what was started for the demo.');
    await server.leave();
  }
}

async function demonstrate({ url }: Server, paragraphs: string[]): Promise<void> {
  console.log(`Moby-Dick, chapters 1 to 9: one task per paragraph, by the API at ${url}\n`);
  console.log('First time');
  const first = await run(url, paragraphs);
  console.log('  The recorded totals are those of a count made here.\n');
  console.log('Once more, the same');
  const second = await run(url, paragraphs);
  checkSecond(first, second);
  console.log('  Every submission met its task of the first time. Nothing was executed again: attempts and');
  console.log('  times of all tasks are as they were.');
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stopping.abort(new Error(`Stopped by ${name}.`)));
}

try {
  await main(stopping.signal);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
