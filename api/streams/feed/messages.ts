import { z } from 'zod';
import { ErrandError } from '../../../core/errors.ts';
import { NAME_MAX_LENGTH } from '../../../core/task.ts';
import type { Change } from '../../../store/tasks/changes.ts';

/** The kinds of subscriptions: a task with its steps, the tasks of a name, or the tasks of a namespace. */
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

/** A request of a WebSocket client. */
export type SocketRequest = { type: 'subscribe' | 'unsubscribe'; topic: Topic };

/** Reads a message of a client. Throws BAD_REQUEST if it is invalid. */
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
    throw new ErrandError('BAD_REQUEST', `The message is not valid: ${problems.join('; ')}`);
  }
  const { type, ...rest } = parsed.data;
  const [kind] = TOPICS.filter((one) => rest[one] !== undefined);
  return { type, topic: { kind: kind ?? 'task', key: (kind && rest[kind]) ?? '' } };
}

/** The first message of a connection. Its lines in the log of the API have this id. */
export function connectedMessage(id: string): string {
  return JSON.stringify({ type: 'connected', connection_id: id });
}

/** A change as a message. */
export function changeMessage({ id, name, state, attempt, progress, parentId }: Change): string {
  return JSON.stringify({ type: 'task', id, name, state, attempt, progress, parent_id: parentId });
}

/** The message after a request has succeeded. `more` adds its results. */
export function doneMessage({ type, topic }: SocketRequest, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ type: `${type}d`, [topic.kind]: topic.key, ...more });
}

/** The message after an error. `about` is the request, if it could be read. */
export function errorMessage({ code, message }: ErrandError, about?: SocketRequest): string {
  const topic = about === undefined ? {} : { [about.topic.kind]: about.topic.key };
  return JSON.stringify({ type: 'error', code, error: message, ...topic });
}

/** Some changes may be lost: the client should read what it needs again. */
export const MISSED_MESSAGE = JSON.stringify({ type: 'missed' });
