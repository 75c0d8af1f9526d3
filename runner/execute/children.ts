import type { Detail } from '../../core/errors.ts';
import type { GraphStep, TaskDefinition } from '../../core/task.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import type { Submission } from '../../store/submit/submit.ts';
import { childOf, fittingPayload, requireTogether, unfit } from './follow_up.ts';

/** How many payloads are checked before the number of problems is looked at. */
const AT_A_TIME = 100;
/** Problems listed for all payloads together. More would not help the reader. */
const MAX_DETAILS = 100;
/** How many items a message names. */
const NAMED = 5;

/**
 * Makes the children of a step that runs or maps a definition. Throws PermanentError if a payload
 * does not fit the definition, or if JSON would lose a part of it. The message names the step and
 * the items, from 0. The details list the problems of all items, at most MAX_DETAILS, by paths such
 * as `/payloads/2/text` (`/payload/text` in a step that runs one task).
 */
export async function toChildren(
  { step, kind }: GraphStep,
  definition: TaskDefinition,
  payloads: readonly unknown[],
  from: DueAttempt,
): Promise<Submission[]> {
  const children: Submission[] = [];
  const details: Detail[] = [];
  const unfitting: number[] = [];
  for (let start = 0; start < payloads.length && details.length < MAX_DETAILS; start += AT_A_TIME) {
    // Array.from turns holes into `undefined`, which is then reported.
    const fitted = await Promise.all(
      Array.from(payloads.slice(start, start + AT_A_TIME), (payload, index) =>
        fittingPayload(definition, payload, kind === 'map' ? `/payloads/${start + index}` : '/payload'),
      ),
    );
    for (const [index, payload] of fitted.entries()) {
      if (payload.ok) children.push(childOf(definition, payload.value, from));
      else {
        unfitting.push(start + index);
        details.push(...payload.details);
      }
    }
  }
  if (details.length === 0) return requireTogether(children);
  const which = kind === 'map' ? itemsInWords(unfitting) : 'The payload';
  const verb = unfitting.length === 1 ? 'does' : 'do';
  const message = `${which} of the step \`${step}\` ${verb} not fit ${definition.name} ${definition.version}`;
  throw unfit(message, details.slice(0, MAX_DETAILS));
}

function itemsInWords(items: readonly number[]): string {
  const named = items.slice(0, NAMED).join(', ');
  if (items.length === 1) return `Item ${named}`;
  return items.length > NAMED ? `Items ${named} and ${items.length - NAMED} more` : `Items ${named}`;
}
