import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { readJsonSetting, unusable } from '../../config/json_setting.ts';
import { storageProblems, valueAt } from '../../core/json/json.ts';
import type { Registry } from '../../core/registry.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { closeNames, type RegisteredTasks } from '../registered/registered_tasks.ts';
import { hmacCheck, STANDARD_HEADERS, standardCheck } from './signature.ts';
import type { SignatureCheck, WebhookSource } from './source.ts';
import { fillTemplate, placeInEvent, templateProblems } from './template.ts';

const MIN_SECRET_LENGTH = 16;
/** The OpenAPI document has separate paths for these names. */
const TAKEN = ['gitea', 'github'];

const header = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,100}$/, 'must be the name of a header')
  .transform((name) => name.toLowerCase());
const pointer = z.string().regex(/^(\/|$)/, 'must be a JSON Pointer such as /type');

const ruleSchema = z.strictObject({
  event: z.string().min(1).max(200),
  task: z.string().max(NAME_MAX_LENGTH),
  payload: z.unknown().superRefine((template, context) => {
    const stored = storageProblems(template, '').map(({ path, message }) => `${path} ${message}`);
    for (const message of [...templateProblems(template), ...stored])
      context.addIssue({ code: 'custom', message });
  }),
});

const everySender = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must match ^[a-z][a-z0-9_-]{0,31}$')
    .refine(
      (name) => !TAKEN.includes(name),
      'is reserved: set GITEA_WEBHOOK_SECRET or GITHUB_WEBHOOK_SECRET instead',
    ),
  secrets: z
    .array(z.string().min(MIN_SECRET_LENGTH, `must have at least ${MIN_SECRET_LENGTH} characters`))
    .min(1)
    .max(10),
  /** The place of the kind of event in a delivery. Without it, only rules for `*` match. */
  event: z.union([z.strictObject({ header }), z.strictObject({ pointer })]).optional(),
  rules: z.array(ruleSchema).min(1).max(100),
};

const sourceSchema = z.discriminatedUnion('scheme', [
  z.strictObject({ ...everySender, scheme: z.literal('standard') }),
  z.strictObject({
    ...everySender,
    scheme: z.literal('hmac'),
    algorithm: z.literal('sha256').default('sha256'),
    signature_header: header,
    encoding: z.enum(['hex', 'base64']).default('hex'),
    prefix: z.string().max(50).default(''),
    delivery_header: header,
    /**
     * `delivery_id` is for senders that may send two events with equal bodies. Then anybody who has recorded
     * a delivery can replay it with another id.
     */
    identified_by: z.enum(['body', 'delivery_id']).default('body'),
  }),
]);
type SourceSettings = z.output<typeof sourceSchema>;

const SETTING = {
  variable: 'WEBHOOK_SOURCES',
  schema: z.array(sourceSchema).min(1).max(100),
  like:
    '[{"name":"shop","scheme":"standard","secrets":["whsec_…"],"event":{"pointer":"/type"},' +
    '"rules":[{"event":"order.paid","task":"billing.send_invoice","payload":{"order":{"$from":"/data/id"}}}]}]',
};

/**
 * The senders of WEBHOOK_SOURCES. Throws if the setting is unusable. The error lists every problem and
 * contains no secret.
 */
export function configuredSources(text: string): WebhookSource[] {
  const given = readJsonSetting(SETTING, text);
  const problems = given.flatMap(({ name }, index) =>
    given.findIndex((one) => one.name === name) < index
      ? [`[${index}].name: ${name} occurs more than once`]
      : [],
  );
  if (problems.length > 0) throw unusable(SETTING, problems);
  return given.map(toSource);
}

/**
 * Rejects if a rule of WEBHOOK_SOURCES names a task that neither this process has nor another one has
 * registered. The error lists all of them.
 */
export async function requireTasks(text: string, tasks: Tasks): Promise<void> {
  const rules = readJsonSetting(SETTING, text).flatMap((settings, index) =>
    settings.rules.map(({ task }, at) => ({ task, place: `[${index}].rules[${at}].task` })),
  );
  const problems: string[] = [];
  for (const { task, place } of rules) {
    if (await isTask(task, tasks)) continue;
    const close = await closeNames(tasks, task);
    const hint = close.length > 0 ? `, did you mean ${close.join(' or ')}?` : '';
    problems.push(`${place}: there is no task ${JSON.stringify(task)}${hint}`);
  }
  if (problems.length > 0) throw unusable(SETTING, problems);
}

/** The tasks that can be submitted. */
export type Tasks = { registry: Registry; registered: RegisteredTasks };

/** Whether this process has a task, or another one has registered it. */
export async function isTask(name: string, { registry, registered }: Tasks): Promise<boolean> {
  return registry.get(name) !== undefined || (await registered.find(name)) !== undefined;
}

function toSource(settings: SourceSettings, index: number): WebhookSource {
  const { name, rules } = settings;
  const isStandard = settings.scheme === 'standard';
  return {
    name,
    isSigned: checkOf(settings, index),
    signatureHeaders: [isStandard ? STANDARD_HEADERS.signature : settings.signature_header],
    deliveryHeader: isStandard ? STANDARD_HEADERS.id : settings.delivery_header,
    identifiedBy: isStandard ? 'delivery_id' : settings.identified_by,
    keyPrefix: `webhook:${name}:`,
    take(headers, event) {
      const kind = kindOf(settings, headers, event);
      const rule = rules.find((one) => one.event === '*' || one.event === kind);
      if (rule === undefined)
        return { ignored: `no rule matches ${JSON.stringify(kind?.slice(0, 100) ?? null)}` };
      const payload = fillTemplate(rule.payload, event);
      return { task: rule.task, payload, placeOf: (place) => placeInEvent(rule.payload, place) };
    },
  };
}

function kindOf(
  { event: at }: SourceSettings,
  headers: IncomingHttpHeaders,
  event: unknown,
): string | undefined {
  if (at === undefined) return undefined;
  const kind = 'header' in at ? headers[at.header] : valueAt(event, at.pointer);
  return typeof kind === 'string' ? kind : undefined;
}

function checkOf(settings: SourceSettings, index: number): SignatureCheck {
  const { secrets } = settings;
  if (settings.scheme === 'hmac') {
    const { signature_header: signatureHeader, encoding, prefix } = settings;
    return hmacCheck(secrets, [{ header: signatureHeader, encoding, prefix }]);
  }
  try {
    return standardCheck(secrets);
  } catch {
    throw unusable(SETTING, [`[${index}].secrets: must be base64, with or without whsec_ before it`]);
  }
}
