import { z } from 'zod';
import { KEY_MAX_LENGTH } from '../../core/limits/key.ts';
import { readLimit } from '../../store/limits/read.ts';
import { readBusyKeys, readLimitKey, readLimitTasks } from '../../store/limits/read_keys.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery, textUpTo } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { limitNotFound } from './limit.ts';
import { limitNameParameter } from './limit_schema.ts';

const DEFAULT_KEYS = 20;
const MAX_KEYS = 100;

/** The operation in the OpenAPI document. */
export function getLimitPaths(): Paths {
  return {
    '/v1/limits/{limit_name}': {
      get: {
        tags: ['limits'],
        operationId: 'getLimit',
        summary: 'Read a limit with its busiest keys, the tasks that hold it and those that wait',
        parameters: [
          limitNameParameter,
          inQuery('key', textUpTo(KEY_MAX_LENGTH), 'Only this key, also if nothing uses it'),
          inQuery(
            'key_count',
            { type: 'integer', minimum: 1, maximum: MAX_KEYS, default: DEFAULT_KEYS },
            'At most so many keys',
          ),
        ],
        responses: { 200: jsonAnswer('The limit', ref('LimitRecord')), ...failures(404) },
      },
    },
  };
}

const querySchema = z.object({ key: z.string().optional(), key_count: z.int() });

/** `GET /v1/limits/{limit_name}` (specification Q7). Of a limit of another namespace: NOT_FOUND. */
export const getLimit: Operation = async ({ reads, principal: { namespaces } }, request, response) => {
  const name = String(request.params.limit_name);
  const { key, key_count: size } = parseQuery(querySchema, request);
  const found = await readLimit(reads, name, namespaces);
  if (found === null) throw limitNotFound(name);
  const { shows_keys: showsKeys, ...limit } = found;
  const [{ keys, isCapped }, tasks] = await Promise.all([
    showsKeys ? keysOf() : { keys: [], isCapped: false },
    readLimitTasks(reads, name, key, namespaces),
  ]);
  response.json({ ...limit, keys, keys_is_capped: isCapped, keys_are_hidden: !showsKeys, ...tasks });

  async function keysOf() {
    if (key === undefined) return await readBusyKeys(reads, name, size);
    return { keys: await readLimitKey(reads, name, key), isCapped: false };
  }
};
