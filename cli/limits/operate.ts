import { toOneLine } from '../output/plain.ts';
import type { Session } from '../session.ts';
import { changeSchema } from './answers.ts';

/** The path of a limit. */
export function limitPath(name: string): string {
  return `/v1/limits/${encodeURIComponent(name)}`;
}

/** Sends a change of a limit, and prints what it did. */
export async function changeLimit(session: Session, name: string, body: object): Promise<void> {
  print(session, await session.client.request('PUT', limitPath(name), { body, repeatable: true }));
}

/** Removes what operators have set for a limit, and prints what that did. */
export async function resetLimit(session: Session, name: string, reason: string | undefined): Promise<void> {
  const query = { reason };
  print(session, await session.client.request('DELETE', limitPath(name), { query, repeatable: true }));
}

function print(session: Session, answer: unknown): void {
  if (session.isJson) session.json(answer);
  else session.print(toOneLine(changeSchema.parse(answer).message));
}
