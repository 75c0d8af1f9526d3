import type { Request } from 'express';
import { type Detail, ErrandError } from '../../core/errors.ts';
import { detail, storageProblems } from '../../core/json/json.ts';
import type { Submittable } from '../../core/registration/submittable.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { giveWay } from '../capacity/turns.ts';
import type { Operation } from '../context.ts';
import { jsonAnswer, jsonBody, signedFailures, submitAnswers } from '../openapi/schemas/answers.ts';
import type { Operation as Documented, Paths } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { findTask } from '../submit/submission.ts';
import { submitAndAnswer } from '../submit/submit_task.ts';
import { type EventTask, headerOf, type WebhookSource } from './source.ts';
import { actorOf, verifiedSource } from './verify.ts';

const text: JsonSchema = { type: 'string' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };

/** The component schemas of incoming webhooks. */
export const webhookSchemas: Record<string, JsonSchema> = {
  IgnoredEvent: object('The event was ignored', {
    ignored: { type: 'boolean', const: true },
    reason: { ...text, description: 'Why the event was ignored' },
  }),
  PushEvent: {
    type: 'object',
    description: 'The properties that Errand reads. A push without ref, after and repository is refused',
    additionalProperties: true,
    properties: {
      ref: { ...text, description: 'The pushed reference: `refs/heads/<branch>`' },
      after: { ...text, description: 'The commit of the reference after the push' },
      deleted: { type: ['boolean', 'null'] },
      repository: {
        ...anyObject,
        required: ['clone_url', 'full_name'],
        properties: { clone_url: text, full_name: text },
      },
      head_commit: { type: ['object', 'null'], additionalProperties: true },
      commits: { type: ['array', 'null'], items: anyObject },
      pusher: anyObject,
    },
  },
};

const COMMIT = '2f4a1b6c8d9e0f1a2b3c4d5e6f708192a3b4c5d6';
const pushExample = {
  ref: 'refs/heads/main',
  after: COMMIT,
  repository: { full_name: 'team/app', clone_url: 'https://git.example.com/team/app.git' },
  head_commit: { id: COMMIT, message: 'Count words once', author: { name: 'Ann' } },
};

const sourceParameter: Parameter = {
  name: 'source',
  in: 'path',
  required: true,
  description: 'The name of a sender in WEBHOOK_SOURCES',
  schema: { type: 'string', pattern: '^[a-z][a-z0-9_-]{0,31}$', maxLength: 32 },
};

const header = (name: string, required: boolean, schema: JsonSchema, description: string): Parameter => ({
  name,
  in: 'header',
  ...(required ? { required } : {}),
  description,
  schema: { type: 'string', ...schema },
});
const deliveryHeader = (name: string): Parameter =>
  header(
    name,
    true,
    { minLength: 1, maxLength: 200, pattern: '^[!-~]+$' },
    'The id of the delivery. If it is sent again, it gives the same task',
  );
const eventHeader = (name: string): Parameter =>
  header(name, true, { minLength: 1, maxLength: 200 }, 'The kind of event. Only `push` becomes a task');
const hubHeader = header(
  'X-Hub-Signature-256',
  false,
  { maxLength: 100 },
  '`sha256=` and the HMAC-SHA256 of the body, in hex',
);
const giteaHeader = header(
  'X-Gitea-Signature',
  false,
  { maxLength: 100 },
  'The HMAC-SHA256 of the body in hex. X-Hub-Signature-256 may replace it',
);

/** The paths of incoming webhooks (specification L4). Their signatures are their credentials. */
export function webhookPaths(): Paths {
  return {
    '/v1/webhooks/gitea': forge('Gitea', [
      giteaHeader,
      hubHeader,
      eventHeader('X-Gitea-Event'),
      deliveryHeader('X-Gitea-Delivery'),
    ]),
    '/v1/webhooks/github': forge('GitHub', [
      hubHeader,
      eventHeader('X-GitHub-Event'),
      deliveryHeader('X-GitHub-Delivery'),
    ]),
    '/v1/webhooks/{source}': {
      post: receive({
        operationId: 'receiveWebhook',
        summary: 'Receive an event of a configured sender',
        description:
          'WEBHOOK_SOURCES defines how the sender signs (Standard Webhooks, or an HMAC-SHA256 of the body in a header), and which task with which payload each event becomes. A repeated delivery gives the same task.',
        parameters: [sourceParameter],
        requestBody: jsonBody(anyObject, { type: 'order.paid', data: { id: 'A-17' } }),
        responses: signedFailures(404),
      }),
    },
  };
}

function forge(name: string, parameters: Parameter[]): Record<string, Documented> {
  return {
    post: receive({
      operationId: `receive${name}Webhook`,
      summary: `Receive an event of ${name}: a push becomes a build`,
      description: `A push to a branch submits ci.build. Other events, tags and deletions are ignored. The sender must sign with ${name.toUpperCase()}_WEBHOOK_SECRET and send application/json.`,
      parameters,
      requestBody: jsonBody(ref('PushEvent'), pushExample),
      responses: signedFailures(),
    }),
  };
}

function receive(operation: Documented): Documented {
  return {
    tags: ['webhooks'],
    ...operation,
    responses: {
      ...submitAnswers(),
      202: jsonAnswer('The event was ignored', ref('IgnoredEvent')),
      ...operation.responses,
    },
  };
}

/** Printable ASCII without blanks. */
const DELIVERY_ID = /^[!-~]{1,200}$/;

/**
 * `POST /v1/webhooks/{source}` (specification L4): submits the task that a sender's event becomes, once for
 * each delivery. A delivery is identified by its id if that is signed, otherwise by its body. A crash has the
 * same effects as in a submission: a sender without an answer delivers again and gets the same task.
 */
export const receiveWebhook: Operation = async (context, request, response) => {
  const { source, bodyHash } = verifiedSource(request);
  const delivery = deliveryOf(source, request);
  const event = source.take(request.headers, request.body);
  if ('ignored' in event) {
    response.status(202).json({ ignored: true, reason: event.ignored });
    return;
  }
  const definition = await findTask(context, event.task, '/body');
  const details = await payloadProblems(definition, event);
  if (details.length > 0) {
    throw new ErrandError(
      'VALIDATION_FAILED',
      `The event does not give a valid payload of ${definition.name}`,
      {
        details,
      },
    );
  }
  await giveWay(request);
  const body = {
    payload: event.payload,
    dedup: 'key',
    dedup_key: `${source.keyPrefix}${bodyHash === null ? delivery : `sha256:${bodyHash}`}`,
    initiator: actorOf(source),
    source_system: source.name,
    reason: `Delivery ${delivery}`,
  };
  await submitAndAnswer(context, { definition, body }, request, response);
};

function deliveryOf({ deliveryHeader }: WebhookSource, request: Request): string {
  const id = headerOf(request.headers, deliveryHeader) ?? '';
  if (DELIVERY_ID.test(id)) return id;
  throw new ErrandError(
    'VALIDATION_FAILED',
    'The delivery has no valid id, so repeated deliveries could not be recognised',
    {
      details: [detail(`/headers/${deliveryHeader}`, 'must be an id of 1 to 200 characters without blanks')],
    },
  );
}

/** The problems of a payload, with the places in the request that cause them. */
async function payloadProblems(definition: Submittable, event: EventTask): Promise<Detail[]> {
  // A template may nest an event deeper than the check of the body allowed.
  const stored = storageProblems(event.payload, '');
  const { version } = definition;
  const payload = event.payload ?? null;
  const parsed = stored.length > 0 ? null : await definition.judge({ version, payload }, '');
  const details = parsed === null || parsed.ok ? stored : parsed.details;
  return details.map(({ path, message }) => detail(event.placeOf(path), message));
}
