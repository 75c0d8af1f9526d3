import { z } from 'zod';
import { MAX_DETAILS } from '../errors.ts';
import { dateOfText } from './date_text.ts';

type Zod = z.core.$ZodType;
type Payload = z.core.ParsePayload;
type Context = z.core.ParseContextInternal & { budget?: Budget };

/** How many problems are still worth collecting in the parts of a value. It goes through all parts of one parse. */
export type Budget = { left: number };

type Run = (payload: Payload, context: Context) => z.core.util.MaybeAsync<Payload>;

/** The same schema but for what it does with a value. */
function withRun(schema: Zod, change: (run: Run) => Run): Zod {
  const run: Run = (payload, context) => schema._zod.run(payload, context);
  return Object.create(schema, {
    _zod: { value: Object.create(schema._zod, { run: { value: change(run) } }) },
  }) as Zod;
}

/**
 * An asynchronous transform must say so to who does not wait. Zod 4.6 has its promise taken for an outcome there, if it is
 * in an object: "Cannot read properties of undefined".
 */
export function waitedFor(schema: Zod): Zod {
  return withRun(schema, (run) => (payload, context) => {
    const done = run(payload, context);
    if (done instanceof Promise && context.async === false) throw new z.core.$ZodAsyncError();
    return done;
  });
}

/**
 * An object of whose unknown properties only those are told that `unknown` leaves: others beside it may know them. Zod drops
 * what only one side of an intersection refuses, but not what is told at the property itself, as what is unknown for sure.
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

/** A date that also comes as text. */
export function fromText(schema: Zod): Zod {
  return withRun(schema, (run) => (payload, context) => {
    payload.value = dateOfText(payload.value);
    return run(payload, context);
  });
}

/** A part of which there may be any number: its problems count, and when there are too many, it is passed over. */
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

/** A part whose problems may come to nothing, as another branch fits: they must not stand for those of the value. */
export function apart(schema: Zod): Zod {
  return withRun(
    schema,
    (run) => (payload, context) => run(payload, { ...context, budget: { left: MAX_DETAILS } } as Context),
  );
}
