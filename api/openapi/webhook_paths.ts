import type { JsonSchema } from '../../core/schema.ts';
import { jsonAnswer, jsonBody, signedFailures, submitAnswers } from './answers.ts';
import type { Operation, Paths } from './document.ts';
import type { Parameter } from './parameters.ts';
import { object, ref } from './schemas.ts';

const text: JsonSchema = { type: 'string' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };

/** The component schemas of webhooks that come in. */
export const webhookSchemas: Record<string, JsonSchema> = {
  IgnoredEvent: object('Nothing becomes of this event', {
    ignored: { type: 'boolean', const: true },
    reason: { ...text, description: 'Why' },
  }),
  PushEvent: {
    type: 'object',
    description: 'As far as Errand reads it; a push without ref, after and repository is refused',
    additionalProperties: true,
    properties: {
      ref: { ...text, description: 'Where it was pushed to: `refs/heads/<branch>`' },
      after: { ...text, description: 'The commit that it is at now' },
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
    'The id of the delivery: sent again, it is the same task',
  );
const eventHeader = (name: string): Parameter =>
  header(name, true, { minLength: 1, maxLength: 200 }, 'What happened; only `push` becomes a task');
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
  'The HMAC-SHA256 of the body, in hex. Or X-Hub-Signature-256',
);

/** The paths of webhooks that come in (specification L4). Their credentials are their signatures. */
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
        summary: 'Take an event of a sender that is configured',
        description:
          'WEBHOOK_SOURCES says how it signs (Standard Webhooks, or an HMAC-SHA256 of the body in a header), which task each event becomes and with what payload. A delivery that comes again is the same task.',
        parameters: [sourceParameter],
        requestBody: jsonBody(anyObject, { type: 'order.paid', data: { id: 'A-17' } }),
        responses: signedFailures(404),
      }),
    },
  };
}

function forge(name: string, parameters: Parameter[]): Record<string, Operation> {
  return {
    post: receive({
      operationId: `receive${name}Webhook`,
      summary: `Take an event of ${name}: a push becomes a build`,
      description: `Of a push to a branch ci.build is submitted; other events, tags and deletions are ignored. ${name.toUpperCase()}_WEBHOOK_SECRET is what it signs with, application/json what it must send.`,
      parameters,
      requestBody: jsonBody(ref('PushEvent'), pushExample),
      responses: signedFailures(),
    }),
  };
}

function receive(operation: Operation): Operation {
  return {
    tags: ['webhooks'],
    ...operation,
    responses: {
      ...submitAnswers(),
      202: jsonAnswer('Nothing becomes of it', ref('IgnoredEvent')),
      ...operation.responses,
    },
  };
}
