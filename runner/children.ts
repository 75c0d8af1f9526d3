import type { Detail } from '../core/errors.ts';
import type { GraphStep, TaskDefinition } from '../core/task.ts';
import type { DueAttempt } from '../store/begin.ts';
import type { Submission } from '../store/submit.ts';
import { childOf, fittingPayload, unfit } from './follow_up.ts';

/** Payloads that are looked at before it is asked whether enough is wrong. */
const AT_A_TIME = 100;
/** Of all payloads together: more tell nothing new. */
const MAX_DETAILS = 100;
/** Items that a message names. */
const NAMED = 5;

/**
 * The children of a step that runs or maps a definition. Throws PermanentError when a payload does not fit it, or JSON
 * would lose something of it: the message names the step and the items, from 0, and the details have the problems of
 * all items by paths such as `/payloads/2/text` (`/payload/text` in a step that runs one task), up to MAX_DETAILS.
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
    // Array.from makes `undefined` of holes, which is then told.
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
  if (details.length === 0) return children;
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
