import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import type { Config } from '../../config/schema.ts';
import { ErrandError } from '../../core/errors.ts';
import { storageProblems } from '../../core/json/json.ts';
import {
  MAX_NAMES,
  MAX_OBJECTS,
  MAX_VALUES,
  parseJson,
  type Survey,
  surveyJson,
} from '../../core/json/json_text.ts';
import { giveWay, noteSize } from '../capacity/turns.ts';
import { destinationOf } from '../routing.ts';
import { type GivenBody, givenBody } from './given_body.ts';

/** Types that are JSON: also `application/cloudevents+json` and the like (RFC 6839). */
const JSON_TYPES = ['application/json', '+json'];

const BYTES_PER_MB = 1024 * 1024;

/** The upper bounds of bodies in bytes, also of compressed ones after unpacking. */
export type BodyBounds = { body: number; event: number };

/** The bounds of a configuration. Only part of the event of a webhook becomes a payload, so it may be larger. */
export function bodyBounds(config: Pick<Config, 'MAX_BODY_MB' | 'MAX_WEBHOOK_MB'>): BodyBounds {
  return {
    body: Math.floor(config.MAX_BODY_MB * BYTES_PER_MB),
    event: Math.floor(config.MAX_WEBHOOK_MB * BYTES_PER_MB),
  };
}

/**
 * Reads the bytes of a body, up to its upper bound. Its type must be JSON in UTF-8. Anything else is a 4xx.
 */
export function readBody(bounds: BodyBounds): RequestHandler[] {
  const readBytes = express.raw({ type: () => true, limit: bounds.body });
  const readEvent = express.raw({ type: () => true, limit: bounds.event });
  return [
    requireJson,
    async (request, response, next) => {
      const given = givenBody(request);
      if (given !== undefined) request.body = bytesOf(given, isWebhook(request), bounds);
      else if (isPlain(request, bounds)) request.body = await readPlain(request);
      else return (isWebhook(request) ? readEvent : readBytes)(request, response, next);
      next();
    },
  ];
}

/** Whether the bytes of a body come as they are, and are known to be within the bounds. */
function isPlain(request: Request, { body }: BodyBounds): boolean {
  const { 'content-length': length = '', 'content-encoding': encoding } = request.headers;
  if (encoding !== undefined || !/^\d+$/.test(length)) return false;
  return Number(length) > 0 && Number(length) <= body && request.readable && !request.readableEnded;
}

/**
 * Reads a plain body: Node sees to its length. A body that breaks off never resolves, and nobody waits for its
 * answer. The library also listens for everything that cannot happen here (issue 21). As it awaits, the context of the caller (AsyncLocalStorage) stays.
 */
function readPlain(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => void chunks.push(chunk));
  return new Promise((resolve) => {
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  });
}

/** The bytes of a body that the application around this one has read. Its own limit may be higher. */
function bytesOf(given: GivenBody, isSigned: boolean, bounds: BodyBounds): Buffer {
  if (given instanceof ErrandError) throw given;
  const { bytes, isExact } = given;
  if (isSigned && !isExact) {
    throw new ErrandError(
      'INTERNAL_ERROR',
      'The application around Errand has parsed the body, so its signature cannot be verified: mount the router of Errand before the body parser',
    );
  }
  const limit = isSigned ? bounds.event : bounds.body;
  if (bytes.length > limit) throw Object.assign(new Error('The body is too large'), { status: 413, limit });
  return bytes;
}

function requireJson(request: Request, _response: Response, next: NextFunction): void {
  const type = request.headers['content-type'] ?? '';
  if (type === 'application/json') {
    next();
    return;
  }
  // A POST or PATCH without a body has Content-Length 0 and often no type.
  const isEmpty = request.headers['content-length'] === '0';
  // `is` gives null without a body and false for another type.
  if (!isEmpty && (request.is(JSON_TYPES) === false || !isUtf8(type))) {
    throw new ErrandError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Type ${JSON.stringify(type)} is not accepted: send application/json in UTF-8`,
    );
  }
  // The validator compiles its schemas once per content type and keeps them. A fixed type keeps callers from
  // filling its memory.
  request.headers['content-type'] = 'application/json';
  next();
}

function isUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

/**
 * Parses the bytes of a body as JSON in UTF-8. Refuses values that Postgres cannot store or that a double
 * would silently change (specification S9). Anything invalid is a 4xx that lists every problem. Long steps
 * get turns of the event loop. A webhook's values are not checked here: its operation checks those that
 * become a payload. Most events become nothing, and the sender is responsible for the rest.
 */
export async function parseBody(request: Request, _response: Response, next: NextFunction): Promise<void> {
  const bytes: unknown = request.body;
  request.body = undefined;
  if (Buffer.isBuffer(bytes) && bytes.length > 0) request.body = await jsonOf(bytes, request);
  next();
}

async function jsonOf(bytes: Buffer, request: Request): Promise<unknown> {
  noteSize(request, bytes.length);
  await giveWay(request);
  const text = decode(bytes);
  const survey = surveyJson(text);
  requireBounds(survey, request);
  await giveWay(request);
  const value = parse(text, survey);
  await giveWay(request);
  if (!survey.isDoubtful || isWebhook(request)) return value;
  const details = storageProblems(value, '/body', levelsAround(request));
  if (details.length > 0) {
    throw new ErrandError(
      'VALIDATION_FAILED',
      'The body contains values that cannot be stored: correct them',
      { details },
    );
  }
  await giveWay(request);
  return value;
}

/**
 * The depth of a payload is counted from the payload itself, whether it is in the body, in an item of a list, or
 * in a schedule.
 */
function levelsAround(request: Request): number {
  if (request.method === 'PUT') return templateOf(request).startsWith('/v1/schedules/') ? 1 : 0;
  if (request.method !== 'POST' || !templateOf(request).startsWith('/v1/tasks')) return 0;
  return isBatch(request) ? 3 : 1;
}

/**
 * The values of a batch are counted per item, where each item is validated. The values of a webhook are not
 * counted.
 */
function requireBounds({ values, objects, names }: Survey, request: Request): void {
  if (objects > MAX_OBJECTS) throw tooMany(`${MAX_OBJECTS} objects and lists`);
  if (values > MAX_VALUES && !isBatch(request) && !isWebhook(request))
    throw tooMany(`${MAX_VALUES} values (properties and items)`);
  if (names > MAX_NAMES) throw tooMany(`${MAX_NAMES} different names of properties`);
}

/** The path as routing finds it: upper case and a trailing slash make no difference. */
function templateOf(request: Request): string {
  return destinationOf(request).template ?? '';
}

function isBatch(request: Request): boolean {
  return templateOf(request).endsWith('/batch');
}

function isWebhook(request: Request): boolean {
  return destinationOf(request).place?.policy === 'signed';
}

function tooMany(what: string): ErrandError {
  return new ErrandError('PAYLOAD_TOO_LARGE', `The body has more than ${what}: send it in parts`);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ErrandError('BAD_REQUEST', 'The body is not valid UTF-8: send JSON in UTF-8');
  }
}

function parse(text: string, survey: Survey): unknown {
  try {
    return parseJson(text, survey);
  } catch (error) {
    throw new ErrandError('BAD_REQUEST', `The body is not valid JSON: ${(error as Error).message}`);
  }
}
