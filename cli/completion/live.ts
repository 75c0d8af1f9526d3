import { createClient } from '../../client/index.ts';
import { queuesSchema } from '../answers.ts';
import { type ConnectionOptions, connectionOf } from '../connection.ts';
import { listSchema as limitsSchema } from '../limits/answers.ts';
import { toOneLine } from '../output/plain.ts';
import { listSchema } from '../schedules/answers.ts';
import type { Candidate, LiveKind } from './candidates.ts';

/** Somebody waits with a finger on the key. ERRAND_COMPLETION_MS replaces it. */
const MAX_MS = 1_500;
const MAX_IDS = 20;

/** The candidates that the API knows. None if it does not answer soon, or refuses. */
export async function readLive(
  kind: LiveKind,
  options: ConnectionOptions,
  command: string,
): Promise<Candidate[]> {
  try {
    const signal = AbortSignal.timeout(Number(process.env.ERRAND_COMPLETION_MS) || MAX_MS);
    const client = createClient({ ...connectionOf(options), retry: false, breaker: false, signal });
    if (kind === 'ids') return await readIds(client, command);
    if (kind === 'schedules') return await readSchedules(client);
    if (kind === 'limits') return await readLimits(client);
    const { queues } = queuesSchema.parse(await client.request('GET', '/v1/queues'));
    const names = queues.map(({ name }) => name);
    const namespaces = [...new Set(queues.map(({ namespace }) => namespace))];
    const found = { names, namespaces, queues: [...namespaces, ...names] }[kind];
    return found.map((value) => ({ value: toOneLine(value) }));
  } catch {
    return [];
  }
}

const STATES_FOR = {
  cancel: ['scheduled', 'waiting', 'queued', 'running', 'retrying'],
  retry: ['failed', 'cancelled', 'expired'],
} as const;

/** The newest tasks that the command can do something with. */
async function readIds(client: ReturnType<typeof createClient>, command: string): Promise<Candidate[]> {
  const state = command === 'cancel' || command === 'retry' ? STATES_FOR[command] : undefined;
  const found: Candidate[] = [];
  for await (const task of client.list({ state, pageSize: MAX_IDS })) {
    found.push({ value: task.id, about: toOneLine(`${task.name} ${task.state}`) });
    if (found.length === MAX_IDS) break;
  }
  return found;
}

/** The first page of schedules, by id. */
async function readSchedules(client: ReturnType<typeof createClient>): Promise<Candidate[]> {
  const answer = await client.request('GET', '/v1/schedules', { query: { page_size: 100 } });
  const { schedules } = listSchema.parse(answer);
  return schedules.map(({ id, in_words }) => ({ value: toOneLine(id), about: toOneLine(in_words) }));
}

/** The first page of limits, by name. */
async function readLimits(client: ReturnType<typeof createClient>): Promise<Candidate[]> {
  const answer = await client.request('GET', '/v1/limits', { query: { page_size: 100 } });
  const { limits } = limitsSchema.parse(answer);
  return limits.map(({ name, waiters }) => ({ value: toOneLine(name), about: `${waiters} wait` }));
}
