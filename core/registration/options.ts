import type { Detail } from '../errors.ts';
import type { Submittable } from './submittable.ts';

/** The options of a submission that not every definition takes, as on the wire. */
export type DefinedOptions = { expires_in_seconds?: unknown; concurrency_key?: unknown };

/**
 * The problems of these options with a definition. Their bounds are checked elsewhere. `path` is the JSON Pointer
 * of the submission.
 */
export function optionProblems(
  { name, steps, hasKeys }: Pick<Submittable, 'name' | 'steps' | 'hasKeys'>,
  { expires_in_seconds: expiresIn, concurrency_key: key }: DefinedOptions,
  path: string,
): Detail[] {
  const problems: Detail[] = [];
  if (steps !== null && isGiven(expiresIn)) {
    const message = 'must not be given for a workflow, which starts as soon as it is due';
    problems.push({ path: `${path}/expires_in_seconds`, message });
  }
  if (!hasKeys && isGiven(key)) {
    const message = `must not be given: ${name} has no limit with a key`;
    problems.push({ path: `${path}/concurrency_key`, message });
  }
  return problems;
}

function isGiven(option: unknown): boolean {
  return option !== undefined && option !== null;
}
