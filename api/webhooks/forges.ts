import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { detail, got, pointerPart, valueAt } from '../../core/json/json.ts';
import { ciBuild } from '../../tasks/ci.build.task.ts';
import { hmacCheck, type SignatureForm } from './signature.ts';
import { type EventTask, headerOf, type IgnoredEvent, type WebhookSource } from './source.ts';

/** The task that a push starts. */
export const PUSH_TASK = ciBuild.name;

const HUB: SignatureForm = { header: 'x-hub-signature-256', encoding: 'hex', prefix: 'sha256=' };
const GITEA: SignatureForm = { header: 'x-gitea-signature', encoding: 'hex', prefix: '' };
const MAX_AUTHOR_LENGTH = 200;
const MAX_MESSAGE_LENGTH = 2_000;
const MAX_SHOWN_LENGTH = 100;

/** Gitea. It signs in a header with its own name and, since 1.16, also in the form of GitHub. */
export function gitea(secrets: readonly string[] | undefined): WebhookSource {
  return forge('gitea', [GITEA, HUB], secrets);
}

/** GitHub. Its old SHA-1 signature is ignored. */
export function github(secrets: readonly string[] | undefined): WebhookSource {
  return forge('github', [HUB], secrets);
}

function forge(name: string, forms: SignatureForm[], secrets: readonly string[] | undefined): WebhookSource {
  return {
    name,
    isSigned: secrets === undefined ? null : hmacCheck(secrets, forms),
    signatureHeaders: forms.map(({ header }) => header),
    deliveryHeader: `x-${name}-delivery`,
    identifiedBy: 'body',
    keyPrefix: `${name}:`,
    take: (headers, event) => take(headers, `x-${name}-event`, event),
  };
}

function take(headers: IncomingHttpHeaders, eventHeader: string, event: unknown): EventTask | IgnoredEvent {
  const kind = headerOf(headers, eventHeader) ?? '';
  if (kind !== 'push') return { ignored: `${shown(kind)} is not a push` };
  const { ref, after, deleted } = parse(refSchema, event);
  if (!ref.startsWith(BRANCHES)) return { ignored: `${shown(ref)} is not a branch` };
  if (deleted === true || /^0+$/.test(after)) return { ignored: `${shown(ref)} was deleted` };
  const { repository } = parse(repositorySchema, event);
  const payload = {
    repository: repository.clone_url,
    repository_name: repository.full_name,
    branch: ref.slice(BRANCHES.length),
    commit: after,
    ...about(event, after),
  };
  return { task: PUSH_TASK, payload, placeOf: (pointer) => `/body${PLACES[pointer] ?? ''}` };
}

const BRANCHES = 'refs/heads/';
/** The place in the event for each place in the payload. */
const PLACES: Record<string, string> = {
  '/repository': '/repository/clone_url',
  '/repository_name': '/repository/full_name',
  '/branch': '/ref',
  '/commit': '/after',
};

const refSchema = z.object({
  ref: z.string(),
  after: z.string(),
  deleted: z.boolean().nullish(),
});
const repositorySchema = z.object({
  repository: z.object({ clone_url: z.string(), full_name: z.string() }),
});

function parse<S extends z.ZodType>(schema: S, event: unknown): z.output<S> {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) => {
    const pointer = path.map((part) => `/${pointerPart(String(part))}`).join('');
    return detail(`/body${pointer}`, `${message}${got(valueAt(event, pointer))}`);
  });
  throw new ErrandError('VALIDATION_FAILED', 'The push lacks values that a build needs', { details });
}

/**
 * Author and message of a commit, if the event contains them. A push of an already known commit may lack
 * them.
 */
function about(event: unknown, commit: string): { author?: string; message?: string } {
  const commits = valueAt(event, '/commits');
  const index = Array.isArray(commits) ? commits.findIndex((one) => valueAt(one, '/id') === commit) : -1;
  const own = index === -1 ? '/head_commit' : `/commits/${index}`;
  const author = firstText(event, [
    `${own}/author/name`,
    `${own}/author/username`,
    '/pusher/full_name',
    '/pusher/login',
    '/pusher/name',
  ]);
  const message = firstText(event, [`${own}/message`]);
  return {
    ...(author === undefined ? {} : { author: cut(author, MAX_AUTHOR_LENGTH) }),
    ...(message === undefined ? {} : { message: cut(message, MAX_MESSAGE_LENGTH) }),
  };
}

function firstText(event: unknown, pointers: string[]): string | undefined {
  const texts = pointers.map((pointer) => valueAt(event, pointer));
  return texts.find((text): text is string => typeof text === 'string' && text.trim() !== '')?.trim();
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}

function shown(text: string): string {
  return JSON.stringify(cut(text, MAX_SHOWN_LENGTH));
}
