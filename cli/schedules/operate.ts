import { toOneLine } from '../output/plain.ts';
import type { Session } from '../session.ts';
import { changeSchema } from './answers.ts';

/** The path of a schedule, or of an operation on it. */
export function schedulePath(id: string, operation?: string): string {
  const path = `/v1/schedules/${encodeURIComponent(id)}`;
  return operation === undefined ? path : `${path}/${operation}`;
}

/** Sends a change of a schedule, and prints what it did. */
export async function changeSchedule(
  session: Session,
  method: 'PUT' | 'DELETE',
  path: string,
  more: { query?: Record<string, string | boolean | undefined>; body?: unknown },
): Promise<void> {
  const answer = await session.client.request(method, path, { ...more, repeatable: method === 'PUT' });
  if (session.isJson) session.json(answer);
  else session.print(toOneLine(changeSchema.parse(answer).message));
}
