import type { Request } from 'express';
import type { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { type Detail, ErrandError, MAX_DETAILS } from '../../core/errors.ts';
import { detail, pointerPart, valueAt } from '../../core/json/json.ts';
import { optionProblems } from '../../core/registration/options.ts';
import type { Submittable } from '../../core/registration/submittable.ts';
import { settingsProblems } from '../../core/schedules/check.ts';
import { type ScheduleSettings, settingsSchema } from '../../core/schedules/settings.ts';
import { submissionOf } from '../../core/schedules/submission.ts';
import type { ScheduleContent } from '../../store/schedules/change.ts';
import { giveWay } from '../capacity/turns.ts';
import type { RequestContext } from '../context.ts';
import { findTask, payloadProblems } from '../submit/submission.ts';
import { settingsBody } from './settings_schema.ts';

/** The content that a request asks for. `problems` are those that do not depend on the time. */
export type AskedContent = { content: ScheduleContent; problems: Detail[] };

const checkBody = checker(settingsBody);

/**
 * Throws FORBIDDEN or NOT_FOUND for the task, and VALIDATION_FAILED if the body does not even have the types of
 * settings; other problems are given, so that all can be reported together.
 */
export async function readSettings(
  context: RequestContext,
  id: string,
  request: Request,
): Promise<AskedContent> {
  const { body } = request;
  const problems = checkBody(body, '/body');
  const name = valueAt(body, '/task');
  if (typeof name !== 'string') throw invalidSettings(id, problems);
  const task = await findTask(context, name, '/body/task');
  problems.push(...(await problemsOfPayload(task, body, request)));
  problems.push(...together(problems, optionProblems(task, body ?? {}, '/body')).slice(problems.length));
  const parsed = settingsSchema.safeParse(body);
  if (!parsed.success) throw invalidSettings(id, together(problemsOfRest(id, body, parsed.error), problems));
  await giveWay(request);
  // The payload is stored as it came.
  const settings = inUtc({
    ...parsed.data,
    payload: valueAt(body, '/payload') as ScheduleSettings['payload'],
  });
  const { schemaHash } = task;
  return { content: { settings, submission: submissionOf(id, settings, task), schemaHash }, problems };
}

async function problemsOfPayload(
  definition: Submittable,
  body: unknown,
  request: Request,
): Promise<Detail[]> {
  const payload = valueAt(body, '/payload');
  if (payload === undefined) return [];
  const problems = await payloadProblems(
    { definition, version: definition.version, payload, concurrencyKey: keyOf(body) },
    { path: '/body/payload', log: request.log, maxProblems: MAX_DETAILS },
  );
  return [...problems, ...hiddenSecrets(definition.name, payload)];
}

function keyOf(body: unknown): string | null {
  const key = valueAt(body, '/concurrency_key');
  return typeof key === 'string' ? key : null;
}

/** Headers as answers show them, for a payload that was read, changed and sent back: the secret would be lost. */
function hiddenSecrets(task: string, payload: unknown): Detail[] {
  const headers = task === 'http.request' ? valueAt(payload, '/headers') : null;
  if (typeof headers !== 'object' || headers === null) return [];
  return Object.entries(headers)
    .filter(([, value]) => value === '***')
    .map(([name]) =>
      detail(
        `/body/payload/headers/${pointerPart(name)}`,
        'is how answers show a secret: send the secret itself, got "***"',
      ),
    );
}

/**
 * The problems of the settings that have the right types, beside those that have not: the caller gets all at once.
 * Whether there is a time left is not asked.
 */
function problemsOfRest(id: string, body: unknown, { issues }: z.ZodError): Detail[] {
  const wrong = new Set(issues.map(({ path: [key] }) => `/body/${String(key)}`));
  const rest = Object.entries(body ?? {}).filter(
    ([key]) => key in settingsSchema.shape && !wrong.has(`/body/${key}`),
  );
  const parsed = settingsSchema.safeParse({ payload: {}, ...Object.fromEntries(rest) });
  if (!parsed.success) return [];
  const isWhole = !['/body/cron', '/body/every_seconds', '/body/at'].some((path) => wrong.has(path));
  return settingsProblems(id, parsed.data, new Date(0), '/body').filter(
    ({ path }) => !wrong.has(path) && (isWhole || path !== '/body'),
  );
}

/** Two lists of problems. For one place the first list counts. */
export function together(first: Detail[], others: Detail[]): Detail[] {
  const told = new Set(first.map(({ path }) => path));
  return [...first, ...others.filter(({ path }) => !told.has(path))];
}

/** The same instants in one spelling, so that the same settings are recognized. */
function inUtc(settings: ScheduleSettings): ScheduleSettings {
  const utc = (text: string | null): string | null => {
    const time = new Date(text ?? '');
    return Number.isNaN(time.getTime()) ? text : time.toISOString();
  };
  return {
    ...settings,
    at: utc(settings.at),
    starts_at: utc(settings.starts_at),
    ends_at: utc(settings.ends_at),
  };
}

/** The error for settings with problems. */
export function invalidSettings(id: string, details: Detail[]): ErrandError {
  return new ErrandError('VALIDATION_FAILED', `The settings of the schedule ${id} are not valid`, {
    details: details.slice(0, MAX_DETAILS),
  });
}
