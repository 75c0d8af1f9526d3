import { queueAnswerSchema } from '../answers.ts';
import { toOneLine } from '../output/plain.ts';
import type { Session } from '../session.ts';

/** Pauses or resumes a queue, and prints what that did. */
export async function changeQueue(
  session: Session,
  queue: string,
  change: 'pause' | 'resume',
  reason: string | undefined,
): Promise<void> {
  const path = `/v1/queues/${encodeURIComponent(queue)}/${change}`;
  const answer = await session.client.request('PUT', path, { query: { reason }, repeatable: true });
  if (session.isJson) session.json(answer);
  else session.print(toOneLine(queueAnswerSchema.parse(answer).message));
}
