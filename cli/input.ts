import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';
import { UsageError } from './exit_codes.ts';

/**
 * Reads a payload, or another value that is called `what`: JSON, `@file`, or `-` for standard input. Throws
 * UsageError if it cannot be read or is not JSON.
 */
export async function readPayload(given: string, what = 'The payload'): Promise<unknown> {
  if (given === '-') return parseJson(await textOf(process.stdin), `${what} on standard input`);
  if (given.startsWith('@')) {
    const file = given.slice(1);
    return parseJson(await readText(file), `${what} in ${file}`);
  }
  return parseJson(given, what);
}

/** A batch: how many items it has if that is known, and their payloads. */
export type Batch = { count: number | undefined; payloads: () => AsyncIterable<unknown> };

/**
 * Opens a file of payloads, one JSON value per line; `-` is standard input. Empty lines do not count. A file is
 * read twice: first to check each line, so that a mistake in it submits nothing. Throws UsageError with the
 * number of the line.
 */
export async function openBatch(file: string): Promise<Batch> {
  if (file === '-') return { count: undefined, payloads: () => linesOf(process.stdin, 'standard input') };
  const handle = await open(file).catch((error: unknown) => unreadable(file, error));
  await handle.close();
  const payloads = (): AsyncIterable<unknown> => linesOf(createReadStream(file), file);
  let count = 0;
  for await (const _payload of payloads()) count++;
  return { count, payloads };
}

async function* linesOf(input: NodeJS.ReadableStream, where: string): AsyncGenerator<unknown> {
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() !== '') yield parseJson(line, `Line ${number} of ${where}`);
  }
}

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: unknown) => unreadable(file, error));
}

function unreadable(file: string, error: unknown): never {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  throw new UsageError(`The file ${JSON.stringify(file)} cannot be read: ${reason}`);
}

const SHOWN_CHARACTERS = 80;

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''), (_key, value: unknown) => {
      // JSON has no infinity: the number would be sent as null.
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
        throw new RangeError('it has a number that is too large');
      return value;
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
    throw new UsageError(`${what} is not JSON: ${reason}\n  got: ${shown.trim() === '' ? 'nothing' : shown}`);
  }
}
