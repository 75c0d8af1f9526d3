import { z } from 'zod';
import type * as z3 from 'zod/v3';
import { MAX_DETAILS } from '../errors.ts';
import { detail, got } from '../json/json.ts';
import { isZod4, type Parsed, type Schema, type SchemaOutput } from '../schema.ts';
import { detailsOf, type Issue } from './details.ts';
import { messageOf, messageOfV3 } from './messages.ts';
import { thrownIn, thrownMessage } from './own_code.ts';
import type { Budget } from './runs.ts';
import { judgingV3, parseV3 } from './v3.ts';
import { judgingZod4 } from './zod4.ts';

/**
 * Validates a value: gives the parsed value, or at most `most` problems (default: MAX_DETAILS). `path` is the
 * JSON Pointer of the value. Never throws and never rejects. Gives a promise only for schemas with
 * asynchronous code.
 */
export type Judge<T = unknown> = (
  value: unknown,
  path: string,
  most?: number,
) => Parsed<T> | Promise<Parsed<T>>;

/**
 * Makes the validator of a schema, once, when its definition loads (specification D1, D3). The schema
 * decides, and objects that list their properties refuse others. `isJson`: values come as JSON, with text for
 * dates.
 */
export function judgeOf<S extends Schema>(
  schema: S,
  { isJson }: { isJson: boolean },
): Judge<SchemaOutput<S>> {
  type Verdict = Parsed<SchemaOutput<S>>;
  const { parse, runsOwnCode } = parserOf(schema, isJson);
  let isAsync = false;
  return (given, path, most = MAX_DETAILS) => {
    // The ledger stores the value as it was sent, even if the definition's code changes the value that it
    // receives.
    const value = runsOwnCode && isJson ? structuredClone(given) : given;
    const toParsed = (outcome: Outcome): Verdict =>
      outcome.issues === undefined
        ? { ok: true, value: outcome.value as SchemaOutput<S> }
        : { ok: false, details: detailsOf(outcome.issues, path, value, most), ...thrownIn(outcome.issues) };
    const failed = (thrown: unknown): Verdict => ({
      ok: false,
      details: [detail(path, `${thrownMessage(thrown)}${got(value)}`)],
      thrown,
    });
    if (!isAsync) {
      try {
        return toParsed(parse.now(value, most));
      } catch (thrown) {
        if (!parse.isAsync(thrown)) return failed(thrown);
        // Promises of the first try are dropped. None of them rejects (own_code.ts).
        isAsync = true;
      }
    }
    return parse.later(value, most).then(toParsed, failed);
  };
}

function parserOf(schema: Schema, isJson: boolean): { parse: Parser; runsOwnCode: boolean } {
  if (isZod4(schema)) {
    const judging = judgingZod4(schema, isJson);
    return { parse: parserOfZod4(judging.schema), runsOwnCode: judging.runsOwnCode };
  }
  const judging = judgingV3(schema, isJson);
  return { parse: parserOfV3(judging.schema), runsOwnCode: judging.runsOwnCode };
}

type Outcome = { value?: unknown; issues?: readonly Issue[] | undefined };

type Parser = {
  /** Throws an error that `isAsync` recognises if it would have to wait. */
  now: (value: unknown, most: number) => Outcome;
  later: (value: unknown, most: number) => Promise<Outcome>;
  isAsync: (thrown: unknown) => boolean;
};

function parserOfZod4(schema: z.core.$ZodType): Parser {
  // The budget reaches all parts of one parse through its context, which Zod copies.
  const context = (most: number): z.core.ParseContext<z.core.$ZodIssue> =>
    ({
      error: messageOf,
      budget: { left: most } satisfies Budget,
    }) as z.core.ParseContext<z.core.$ZodIssue>;
  const outcomeOf = ({ data, error }: z.core.util.SafeParseResult<unknown>): Outcome => ({
    value: data,
    issues: error?.issues as readonly Issue[] | undefined,
  });
  return {
    now: (value, most) => outcomeOf(z.core.safeParse(schema, value, context(most))),
    later: async (value, most) => outcomeOf(await z.core.safeParseAsync(schema, value, context(most))),
    isAsync: (thrown) => thrown instanceof z.core.$ZodAsyncError,
  };
}

function parserOfV3(schema: z3.ZodTypeAny): Parser {
  const outcomeOf = ({ data, error }: z3.SafeParseReturnType<unknown, unknown>): Outcome => ({
    value: data,
    issues: error?.issues as readonly Issue[] | undefined,
  });
  return {
    now: (value) => outcomeOf(parseV3.now(schema, value, { errorMap: messageOfV3 })),
    later: async (value) => outcomeOf(await parseV3.later(schema, value, { errorMap: messageOfV3 })),
    isAsync: (thrown) => thrown instanceof Error && /synchronous|encountered promise/.test(thrown.message),
  };
}
