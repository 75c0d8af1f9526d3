import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import type { Change } from '../../store/changes.ts';

/** What somebody can subscribe to: a task with its steps, the tasks of a name, or those of a namespace. */
const TOPICS = ['task', 'name', 'namespace'] as const;
export type Topic = { kind: (typeof TOPICS)[number]; key: string };

const key = z.string().min(1).max(NAME_MAX_LENGTH);

const requestSchema = z
  .strictObject({
    type: z.enum(['subscribe', 'unsubscribe']),
    task: z.guid().toLowerCase().optional(),
    name: key.optional(),
    namespace: key.optional(),
  })
  .refine((request) => TOPICS.filter((kind) => request[kind] !== undefined).length === 1, {
    message: 'must have one of task, name and namespace',
  });

/** What a client of a WebSocket wants. */
export type SocketRequest = { type: 'subscribe' | 'unsubscribe'; topic: Topic };

/** Reads a message of a client. Throws BAD_REQUEST when it is none. */
export function readRequest(text: string): SocketRequest {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new ErrandError(
      'BAD_REQUEST',
      'A message must be JSON such as {"type":"subscribe","name":"billing.send_invoice"}',
    );
  }
  const parsed = requestSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      [path.join('.'), message].join(' ').trim(),
    );
    throw new ErrandError(
      'BAD_REQUEST',
      `This is no message that is understood here: ${problems.join('; ')}`,
    );
  }
  const { type, ...rest } = parsed.data;
  const [kind] = TOPICS.filter((one) => rest[one] !== undefined);
  return { type, topic: { kind: kind ?? 'task', key: (kind && rest[kind]) ?? '' } };
}

/** A change as it is sent. */
export function changeMessage({ id, name, state, attempt, progress, parentId }: Change): string {
  return JSON.stringify({ type: 'task', id, name, state, attempt, progress, parent_id: parentId });
}

/** What is sent for a request that was carried out; `more` is what it brought to light. */
export function doneMessage({ type, topic }: SocketRequest, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ type: `${type}d`, [topic.kind]: topic.key, ...more });
}

/** What is sent when something was wrong; `about` is the request, when it was understood. */
export function errorMessage({ code, message }: ErrandError, about?: SocketRequest): string {
  const topic = about === undefined ? {} : { [about.topic.kind]: about.topic.key };
  return JSON.stringify({ type: 'error', code, error: message, ...topic });
}

/** Some changes may have gone unheard: what matters is to be read again. */
export const MISSED_MESSAGE = JSON.stringify({ type: 'missed' });
