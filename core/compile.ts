import { storageProblems } from './json.ts';
import { describesObject, toJsonSchema } from './json_schema/describe.ts';
import type { JsonSchema, Schema, Side } from './schema.ts';
import { uncarriedParts } from './verdict/carried.ts';
import { type Judge, judgeOf } from './verdict/judge.ts';

type Refuse = (why: string) => never;

/** What is made of a schema of a definition when that loads, so that nothing of it can fail later (specification D3). */
export type Compiled = { jsonSchema: JsonSchema; judge: Judge };

/** By schema: the steps of a workflow have the payload of their workflow. */
const payloads = new WeakMap<Schema, Compiled>();
const results = new WeakMap<Schema, CompiledResult>();

/**
 * What describes and what judges payloads. Refuses, with the path in the schema, what JSON can't carry (D2), and what is not
 * an object.
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

/** `judge` is for what a handler gives, `judgeJson` for the same as JSON. */
export type CompiledResult = Compiled & { judgeJson: Judge };

/** The same for results, of which JSON must carry what is recorded. */
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
  return attempt(what, refuse, () => ({ jsonSchema: toJsonSchema(schema, side), judge: judge() }));
}

/** A schema may refer to what fails when it is looked at. */
function attempt<T>(what: string, refuse: Refuse, look: () => T): T {
  try {
    return look();
  } catch (error) {
    return refuse(`its ${what} schema can't be compiled: ${String(error)}`);
  }
}

/**
 * Refuses an example that would not be accepted as it would arrive, after the whole way of a payload. With asynchronous code in
 * the schema the verdict can't be waited for while loading.
 */
export function checkExample({ judge }: Compiled, example: unknown, refuse: Refuse): void {
  const sent: unknown = attempt('payload', refuse, () => JSON.parse(JSON.stringify(example) ?? 'null'));
  const stored = storageProblems(sent, '/example');
  const parsed = stored.length > 0 ? { ok: false as const, details: stored } : judge(sent, '/example');
  if (parsed instanceof Promise || parsed.ok) return;
  const problems = parsed.details.map(({ path, message }) => `${path} ${message}`);
  refuse(`its payload schema does not accept the example: ${problems.join('; ')}`);
}
