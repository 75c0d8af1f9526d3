import type { Detail } from '../errors.ts';
import { got } from '../json/json.ts';
import type { Submittable } from './submittable.ts';

/** The options of a submission that not every definition takes, as on the wire. */
export type DefinedOptions = {
  expires_in_seconds?: unknown;
  concurrency_key?: unknown;
  timeout_seconds?: unknown;
  /** The older name of `timeout_seconds`. */
  claim_timeout_seconds?: unknown;
};

/**
 * The problems of these options with a definition, and with each other. Their bounds are checked elsewhere.
 * `path` is the JSON Pointer of the submission.
 */
export function optionProblems(
  { name, steps, hasKeys }: Pick<Submittable, 'name' | 'steps' | 'hasKeys'>,
  options: DefinedOptions,
  path: string,
): Detail[] {
  const problems: Detail[] = [];
  const refuse = (option: keyof DefinedOptions, message: string): void => {
    if (isGiven(options[option])) problems.push({ path: `${path}/${option}`, message });
  };
  if (steps !== null) {
    refuse('expires_in_seconds', 'must not be given for a workflow, which starts as soon as it is due');
    const unlimited =
      'must not be given for a workflow: its steps do the work, and their policies have time limits';
    refuse('timeout_seconds', unlimited);
    refuse('claim_timeout_seconds', unlimited);
  } else if (isGiven(options.timeout_seconds) && options.timeout_seconds !== options.claim_timeout_seconds) {
    const message = `is the older name of timeout_seconds, and must not differ from it${got(options.claim_timeout_seconds)}`;
    refuse('claim_timeout_seconds', message);
  }
  if (!hasKeys) refuse('concurrency_key', `must not be given: ${name} has no limit with a key`);
  return problems;
}

function isGiven(option: unknown): boolean {
  return option !== undefined && option !== null;
}
