import { type ChangedTask, ErrandError } from '../../client/index.ts';
import { EXIT } from '../exit_codes.ts';
import { failureOf } from '../failure.ts';
import { paintWord } from '../output/paint.ts';
import { toOneLine } from '../output/plain.ts';
import { toWire } from '../output/wire.ts';
import type { Session } from '../session.ts';

type Outcome = { id: string; task: ChangedTask } | { id: string; error: ErrandError };

/** How many requests run at a time. */
const AT_A_TIME = 8;

/**
 * Changes tasks by their ids with `change`. A task that cannot be changed does not stop the others. Throws what
 * concerns all: no API, no rights. Gives the exit code.
 */
export async function operateEach(
  session: Session,
  ids: readonly string[],
  change: (id: string) => Promise<ChangedTask>,
): Promise<number> {
  const one = async (id: string): Promise<Outcome> => {
    try {
      return { id, task: await change(id) };
    } catch (error) {
      if (error instanceof ErrandError && failureOf(error).code === EXIT.failed) return { id, error };
      throw error;
    }
  };
  const outcomes: Outcome[] = [];
  for (let from = 0; from < ids.length; from += AT_A_TIME) {
    const part = await Promise.all(ids.slice(from, from + AT_A_TIME).map(one));
    if (!session.isJson) for (const outcome of part) print(session, outcome);
    outcomes.push(...part);
  }
  if (session.isJson) session.json({ tasks: outcomes.map(toJson) });
  return outcomes.some((outcome) => 'error' in outcome) ? EXIT.failed : EXIT.done;
}

function print(session: Session, outcome: Outcome): void {
  if ('task' in outcome) {
    const { id, state, message } = outcome.task;
    session.print(`${id}  ${paintWord(state)}  ${toOneLine(message)}`);
  } else {
    const { lines } = failureOf(outcome.error, session.url);
    session.note(`${toOneLine(outcome.id)}  ${lines.join('\n')}`);
  }
}

function toJson(outcome: Outcome): unknown {
  if ('task' in outcome) return toWire(outcome.task);
  const { message, code, requestId, details } = outcome.error;
  return { id: outcome.id, error: message, code, details, request_id: requestId };
}
