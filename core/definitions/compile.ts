import { slowExpressions } from '../expressions/slow.ts';
import { storageProblems } from '../json/json.ts';
import { describesObject, toJsonSchema } from '../json_schema/describe.ts';
import type { JsonSchema, Schema, Side } from '../schema.ts';
import { uncarriedParts } from '../verdict/carried.ts';
import { type Judge, judgeOf } from '../verdict/judge.ts';

type Refuse = (why: string) => never;

/**
 * The parts that are made of a schema when its definition loads, so that nothing can fail later
 * (specification D3). `warnings` are about its regular expressions.
 */
export type Compiled = { jsonSchema: JsonSchema; judge: Judge; warnings: readonly string[] };

/** Cached by schema, because the steps of a workflow share its payload schema. */
const payloads = new WeakMap<Schema, Compiled>();
const results = new WeakMap<Schema, CompiledResult>();

/**
 * Makes the JSON Schema and the validator of payloads. Refuses, with the place in the schema, types that JSON
 * cannot represent (D2), regular expressions that can take exponential time, and schemas that are not
 * objects.
 */
export function compilePayload(schema: Schema, refuse: Refuse): Compiled {
  const known = payloads.get(schema);
  if (known !== undefined) return known;
  const compiled = compiling('payload', schema, 'input', refuse, () => judgeOf(schema, { isJson: true }));
  if (!describesObject(compiled.jsonSchema))
    refuse('the payload schema must be an object (z.object, or a union or an intersection of objects)');
  payloads.set(schema, compiled);
  return compiled;
}

/** `judge` validates the value that a handler returned, `judgeJson` the same value as JSON. */
export type CompiledResult = Compiled & { judgeJson: Judge };

/** The same for results. JSON must be able to represent the recorded form. */
export function compileResult(schema: Schema, refuse: Refuse): CompiledResult {
  const known = results.get(schema);
  if (known !== undefined) return known;
  const compiled = compiling('result', schema, 'output', refuse, () => judgeOf(schema, { isJson: false }));
  const both = { ...compiled, judgeJson: judgeOf(schema, { isJson: true }) };
  results.set(schema, both);
  return both;
}

function compiling(what: string, schema: Schema, side: Side, refuse: Refuse, judge: () => Judge): Compiled {
  const problems = attempt(what, refuse, () => uncarriedParts(what, schema, side));
  if (problems.length > 0) refuse(problems.join('; '));
  const { refused, warnings } = attempt(what, refuse, () => slowExpressions(what, schema));
  if (refused.length > 0) refuse(refused.join('; '));
  return attempt(what, refuse, () => ({ jsonSchema: toJsonSchema(schema, side), judge: judge(), warnings }));
}

/** Parts of a schema are computed on access and may throw then. */
function attempt<T>(what: string, refuse: Refuse, look: () => T): T {
  try {
    return look();
  } catch (error) {
    return refuse(`its ${what} schema cannot be compiled: ${String(error)}`);
  }
}

/**
 * Refuses an example that would not be accepted after the way of a submitted payload. With asynchronous code
 * in the schema this cannot be checked, because loading does not wait for it.
 */
export function checkExample({ judge }: Compiled, example: unknown, refuse: Refuse): void {
  const sent: unknown = attempt('payload', refuse, () => JSON.parse(JSON.stringify(example) ?? 'null'));
  const stored = storageProblems(sent, '/example');
  const parsed = stored.length > 0 ? { ok: false as const, details: stored } : judge(sent, '/example');
  if (parsed instanceof Promise || parsed.ok) return;
  const problems = parsed.details.map(({ path, message }) => `${path} ${message}`);
  refuse(`its payload schema does not accept the example: ${problems.join('; ')}`);
}
