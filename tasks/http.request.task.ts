import { z } from 'zod';
import { targetUrl } from '../core/network/target_url.ts';
import { defineTask } from '../core/task.ts';

const HEADERS_LIMIT = 64;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * These headers belong to the connection or follow from the body, so a caller cannot choose them.
 */
const REFUSED_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const status = z.int().min(100).max(599);

const headers = z
  .record(
    z.string().max(128).regex(HEADER_NAME),
    z.string().max(8_192).regex(HEADER_VALUE, 'must be one line of printable Latin-1 characters'),
    {
      error: (issue) =>
        issue.code === 'invalid_key' ? 'is not a header name of at most 128 characters' : undefined,
    },
  )
  .superRefine(checkHeaders)
  .meta({ maxProperties: HEADERS_LIMIT });

const secretHeaders = z
  .record(z.string().max(128).regex(HEADER_NAME), z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/), {
    error: (issue) =>
      issue.code === 'invalid_key' ? 'is not a header name of at most 128 characters' : undefined,
  })
  .superRefine(checkHeaders)
  .meta({ maxProperties: HEADERS_LIMIT });

const payload = z
  .strictObject({
    method: z
      .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      .optional()
      .describe('Default, as with curl: `POST` when there is a `body` or `json`, else `GET`'),
    url: targetUrl.describe(
      'Where to send it, `http` or `https`, without credentials. Private, loopback and link-local targets are refused, unless the runner has `ALLOW_PRIVATE_TARGETS=true`',
    ),
    headers: headers
      .optional()
      .describe(
        'Sent with the request. `user-agent` (`errand`), `idempotency-key` (the task id, the same in each attempt) and the `traceparent` of the submission, if it had one, are added unless given. `x-errand-task-id` and `x-errand-attempt` are always added. Headers of the connection, `host` and `content-length` are refused',
      ),
    secret_headers: secretHeaders
      .optional()
      .describe(
        'Headers with secrets: each value is the name of a secret in `HTTP_SECRETS` of the runner, which also lists the hosts that may receive it. A secret in `headers` is stored with the task instead, although answers show `***` in its place',
      ),
    body: z
      .string()
      .max(1_048_576)
      .optional()
      .describe('The body as text, `text/plain` unless a `content-type` is given. Not together with `json`'),
    json: z
      .unknown()
      .optional()
      // zod has nothing between an empty schema and a recursive one, whose $ref breaks inside
      // another document.
      .meta({
        type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
        // For openapi-typescript, which would otherwise make the object a type without properties.
        additionalProperties: true,
      })
      .describe('The body as any JSON value, `application/json` unless a `content-type` is given'),
    expected_status: z
      .array(status)
      .min(1)
      .max(100)
      .optional()
      .describe('The statuses that mean success. Default: 200 to 299'),
    retry_status: z
      .array(status)
      .max(100)
      .default([408, 425, 429, 500, 502, 503, 504])
      .describe('The unexpected statuses that are tried again; any other fails the task at once'),
    timeout_ms: z
      .int()
      .min(1)
      .max(600_000)
      .default(30_000)
      .describe('How long one attempt may take, from connecting to the end of the answer, in milliseconds'),
  })
  .superRefine(checkBody)
  .superRefine(checkGivenOnce);

const result = z.strictObject({
  status: status.describe('The status of the answer'),
  headers: z
    .record(z.string(), z.string())
    .describe(
      'The headers of the answer by lower-case name. Several values are joined by a comma. Cookies and other secrets are `***`',
    ),
  body: z.string().describe('The body of the answer, its first 256 KiB'),
  encoding: z
    .enum(['utf8', 'base64'])
    .describe('How `body` is written: `base64` when it is not UTF-8 or contains NUL'),
  truncated: z.boolean().describe('Whether the body was longer than 256 KiB'),
  duration_ms: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .describe('Duration of the request, in milliseconds'),
});

/**
 * Calls an HTTP target and records its answer, so that a service in any language can be a worker.
 * One task may call the target more than once; the idempotency key is the same each time. Redirects
 * are not followed.
 */
export const httpRequest = defineTask({
  name: 'http.request',
  version: '1',
  description:
    'Calls an HTTP target with retries and records its answer, so that a service in any language can be a worker',
  payload,
  result,
  example: {
    method: 'POST',
    url: 'https://worker.example.com/resize',
    json: { image: 'cat.png', width: 640 },
    timeout_ms: 10_000,
  },
  policy: {
    maxAttempts: 25,
    backoff: { initialMs: 1_000, factor: 2, maxMs: 600_000 },
    // Longer than the longest timeout_ms, so that the request's own timeout is recorded.
    timeoutMs: 660_000,
    // The same call twice usually means two calls. A caller that means one sends a key.
    dedup: { strategy: 'none' },
  },
});

function checkHeaders(given: Record<string, string>, context: z.RefinementCtx): void {
  const names = Object.keys(given);
  if (names.length > HEADERS_LIMIT) {
    context.addIssue({ code: 'custom', message: `has more than ${HEADERS_LIMIT} headers` });
  }
  const seen = new Set<string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: [name], message });
    if (REFUSED_HEADERS.has(lower)) refuse('is set by the connection and cannot be given');
    if (lower.startsWith('x-errand-')) refuse('is set by Errand and cannot be given');
    if (seen.has(lower)) refuse('is given twice: upper and lower case make no difference in header names');
    seen.add(lower);
  }
}

type HeaderFields = {
  headers?: Record<string, string> | undefined;
  secret_headers?: Record<string, string> | undefined;
};

function checkGivenOnce({ headers, secret_headers }: HeaderFields, context: z.RefinementCtx): void {
  const given = new Set(Object.keys(headers ?? {}).map((name) => name.toLowerCase()));
  for (const name of Object.keys(secret_headers ?? {})) {
    if (!given.has(name.toLowerCase())) continue;
    context.addIssue({ code: 'custom', path: ['secret_headers', name], message: 'is also given in headers' });
  }
}

type BodyFields = { method?: string | undefined; body?: string | undefined; json?: unknown };

function checkBody({ method, body, json }: BodyFields, context: z.RefinementCtx): void {
  if (body !== undefined && json !== undefined) {
    context.addIssue({ code: 'custom', path: ['json'], message: 'cannot be sent together with body' });
  }
  if ((body !== undefined || json !== undefined) && (method === 'GET' || method === 'HEAD')) {
    context.addIssue({ code: 'custom', path: ['method'], message: `is ${method}, which cannot have a body` });
  }
}
