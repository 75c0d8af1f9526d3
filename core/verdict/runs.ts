import { z } from 'zod';
import { MAX_DETAILS } from '../errors.ts';
import { dateOfText } from './date_text.ts';

type Zod = z.core.$ZodType;
type Payload = z.core.ParsePayload;
type Context = z.core.ParseContextInternal & { budget?: Budget };

/** How many more problems should be collected in the parts of a value. All parts of one parse share it. */
export type Budget = { left: number };

type Run = (payload: Payload, context: Context) => z.core.util.MaybeAsync<Payload>;

/** The same schema with another `run` function. */
function withRun(schema: Zod, change: (run: Run) => Run): Zod {
  const run: Run = (payload, context) => schema._zod.run(payload, context);
  return Object.create(schema, {
    _zod: { value: Object.create(schema._zod, { run: { value: change(run) } }) },
  }) as Zod;
}

/**
 * An asynchronous transform must throw if the caller does not wait. Inside an object, Zod 4.6 takes its
 * promise for a result and fails with "Cannot read properties of undefined".
 */
export function waitedFor(schema: Zod): Zod {
  return withRun(schema, (run) => (payload, context) => {
    const done = run(payload, context);
    if (done instanceof Promise && context.async === false) throw new z.core.$ZodAsyncError();
    return done;
  });
}

/**
 * Makes an object schema report only those unknown properties that `unknown` returns, because other sides of
 * an intersection may know the rest. Zod drops unknown properties that only one side refuses. It keeps a
 * problem at the property itself, which is used if the property is certainly unknown (`isForSure`).
 */
export function knowing(
  schema: Zod,
  unknown: (keys: readonly string[]) => string[],
  isForSure: boolean,
): Zod {
  const known = (payload: Payload): Payload => {
    payload.issues = payload.issues.flatMap((issue) => {
      if (issue.code !== 'unrecognized_keys' || (issue.path ?? []).length > 0) return [issue];
      const keys = unknown(issue.keys);
      if (isForSure)
        return keys
          .slice(0, MAX_DETAILS)
          .map((key) => ({ ...issue, keys: [key], path: [key], isAtKey: true }));
      return keys.length > 0 ? [{ ...issue, keys }] : [];
    });
    return payload;
  };
  return withRun(schema, (run) => (payload, context) => {
    const done = run(payload, context);
    return done instanceof Promise ? done.then(known) : known(done);
  });
}

/** A date schema that also accepts text. */
export function fromText(schema: Zod): Zod {
  return withRun(schema, (run) => (payload, context) => {
    payload.value = dateOfText(payload.value);
    return run(payload, context);
  });
}

/**
 * A part that may occur any number of times. Its problems count against the budget. If the budget is used up,
 * the part is skipped.
 */
export function counted(schema: Zod): Zod {
  return withRun(schema, (run) => (payload, context) => {
    const { budget } = context;
    if (budget === undefined) return run(payload, context);
    if (budget.left <= 0) return payload;
    const done = run(payload, context);
    if (!(done instanceof Promise)) return spent(done, budget);
    return done.then((one) => spent(one, budget));
  });
}

function spent(payload: Payload, budget: Budget): Payload {
  budget.left -= payload.issues.length;
  return payload;
}

/**
 * A part whose problems may be dropped because another branch fits. They must not use up the budget of the
 * value.
 */
export function apart(schema: Zod): Zod {
  return withRun(
    schema,
    (run) => (payload, context) => run(payload, { ...context, budget: { left: MAX_DETAILS } } as Context),
  );
}
