import { type Checker, checker } from '../core/check.ts';
import type { Detail } from '../core/errors.ts';
import { type Lossless, losslessJson } from '../core/lossless.ts';
import { parseResultJson } from '../core/payload.ts';
import type { Registry } from '../core/registry.ts';
import type { JsonSchema } from '../core/schema.ts';
import type { GraphStep } from '../core/task.ts';
import { readStepResult, type StepResult } from '../store/handlers.ts';
import type { Task } from '../store/tasks.ts';
import type { Call } from './call.ts';

/** Of all items of a list together: more tell nothing new. */
const MAX_DETAILS = 100;

/** By the schema as JSON. There are as many as definitions have. */
const checkers = new Map<string, Checker>();

/**
 * What is to be recorded of data that stands for the result of a step, or what is wrong with it. It is judged as if the
 * step had given it, by the schema of its definition, with text for dates. Of definitions that only runners have there is
 * the registered JSON Schema, which describes what is recorded. `path` is where the data is in the request.
 */
export async function resolvedResult(
  call: Call,
  step: Pick<Task, 'name' | 'step'>,
  data: unknown,
  path: string,
): Promise<Lossless> {
  const known = stepKnown(call.registry, step);
  if (known !== null)
    return known.kind === 'map' ? judgeList(known, data, path) : judgeOne(known, data, path);
  const details = problemsByRegistered(await readStepResult(call.writes, step.name), data, path);
  return details.length === 0 ? { ok: true, value: data } : { ok: false, details };
}

function stepKnown(registry: Registry, { name, step }: Pick<Task, 'name' | 'step'>): GraphStep | null {
  const workflow = registry.get(name.slice(0, -`.${step}`.length));
  return workflow?.graph?.steps.find((one) => one.step === step) ?? null;
}

async function judgeList(step: GraphStep, data: unknown, path: string): Promise<Lossless> {
  if (!Array.isArray(data))
    return { ok: false, details: [{ path, message: 'must be a list: the step maps' }] };
  const value: unknown[] = [];
  const details: Detail[] = [];
  for (const [index, item] of data.entries()) {
    const judged = await judgeOne(step, item, `${path}/${index}`);
    if (judged.ok) value.push(judged.value);
    else details.push(...judged.details);
    if (details.length >= MAX_DETAILS) break;
  }
  return details.length === 0 ? { ok: true, value } : { ok: false, details: details.slice(0, MAX_DETAILS) };
}

async function judgeOne({ child, definition }: GraphStep, data: unknown, path: string): Promise<Lossless> {
  const parsed = await parseResultJson(child ?? definition, data, path);
  return parsed.ok ? losslessJson(parsed.value, path) : parsed;
}

function problemsByRegistered(result: StepResult | null, data: unknown, path: string): Detail[] {
  if (!result?.schema) return [];
  const schema = result.kind === 'map' ? { type: 'array', items: result.schema } : result.schema;
  return checkerOf(schema)(data, path);
}

function checkerOf(schema: JsonSchema): Checker {
  const key = JSON.stringify(schema);
  const check = checkers.get(key) ?? checker(schema);
  checkers.set(key, check);
  return check;
}
