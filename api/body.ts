import express, { type NextFunction, type Request, type Response } from 'express';
import { ErrandError } from '../core/errors.ts';
import { storageProblems } from '../core/json.ts';
import { MAX_NAMES, MAX_OBJECTS, MAX_VALUES, parseJson, type Survey, surveyJson } from '../core/json_text.ts';
import { giveWay, noteSize } from './turns.ts';

/** Also the bound of what a compressed body may grow to. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const readBytes = express.raw({ type: () => true, limit: MAX_BODY_BYTES });

/** Reads the bytes of a body, at most MAX_BODY_BYTES of what calls itself JSON in UTF-8. Anything else is a 4xx. */
export const readBody = [requireJson, readBytes];

function requireJson(request: Request, _response: Response, next: NextFunction): void {
  const type = request.get('content-type') ?? '';
  // A POST or PATCH without a body says that its length is 0, and often has no type.
  const isEmpty = request.headers['content-length'] === '0';
  // `is` gives null without a body and false for another type.
  if (!isEmpty && (request.is('application/json') === false || !isUtf8(type))) {
    throw new ErrandError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Type ${JSON.stringify(type)} is not accepted: send application/json in UTF-8`,
    );
  }
  // The validator compiles its schemas anew for every type it meets, and keeps them: callers must not choose it.
  request.headers['content-type'] = 'application/json';
  next();
}

function isUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

/**
 * Makes JSON of the bytes of a body: in UTF-8, and nothing in it that Postgres can't hold or that a double would silently
 * change (specification S9). Anything else is a 4xx with every problem. What takes long is done in turns of its own.
 */
export async function parseBody(request: Request, _response: Response, next: NextFunction): Promise<void> {
  const bytes: unknown = request.body;
  request.body = undefined;
  if (Buffer.isBuffer(bytes) && bytes.length > 0) request.body = await jsonOf(bytes, request);
  next();
}

async function jsonOf(bytes: Buffer, request: Request): Promise<unknown> {
  noteSize(request, bytes.length);
  const text = decode(bytes);
  const survey = surveyJson(text);
  requireBounds(survey, request);
  await giveWay(request);
  const value = parse(text, survey);
  await giveWay(request);
  if (!survey.isDoubtful) return value;
  const details = storageProblems(value, '/body', levelsAround(request));
  if (details.length > 0) {
    throw new ErrandError('VALIDATION_FAILED', 'The body has values that can not be stored', { details });
  }
  await giveWay(request);
  return value;
}

/** A payload has its depth counted by itself, wherever it is: in the body, or in an item of a list in it. */
function levelsAround({ method, path }: Request): number {
  if (method !== 'POST' || !path.startsWith('/v1/tasks')) return 0;
  return isBatch(path) ? 3 : 1;
}

/** The values of a batch are counted by its items, which are judged one by one. */
function requireBounds({ values, objects, names }: Survey, request: Request): void {
  if (objects > MAX_OBJECTS) throw tooMany(`${MAX_OBJECTS} objects and lists`);
  if (values > MAX_VALUES && !isBatch(request.path))
    throw tooMany(`${MAX_VALUES} values (properties and items)`);
  if (names > MAX_NAMES) throw tooMany(`${MAX_NAMES} different names of properties`);
}

function isBatch(path: string): boolean {
  return path.endsWith('/batch');
}

function tooMany(what: string): ErrandError {
  return new ErrandError('PAYLOAD_TOO_LARGE', `The body has more than ${what}: send it in parts`);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ErrandError('BAD_REQUEST', 'The body is not valid UTF-8');
  }
}

function parse(text: string, survey: Survey): unknown {
  try {
    return parseJson(text, survey);
  } catch (error) {
    throw new ErrandError('BAD_REQUEST', `The body is not valid JSON: ${(error as Error).message}`);
  }
}
