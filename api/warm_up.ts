import { Socket } from 'node:net';
import express, { type RequestHandler } from 'express';
import { submittable } from '../core/registration/submittable.ts';
import type { TaskDefinition } from '../core/task.ts';
import { IncomingMessage, ServerResponse } from '../process/node_http.ts';
import type { OpenApiDocument } from './openapi/schemas/document.ts';
import { submissionProblems } from './submit/submission.ts';
import { pathsOfTask } from './submit/submission_schema.ts';

/**
 * Compiles every validator that a request could need. Otherwise they would be compiled at the first request
 * of each operation, which then takes seconds. The requests are made up, so the validator's answers are
 * ignored.
 */
export async function warmUp(
  validator: RequestHandler,
  document: OpenApiDocument,
  definitions: readonly TaskDefinition[],
): Promise<void> {
  const app = express().use(validator);
  // The paths of all tasks share the validators of the first task (openapi/validator.ts).
  const others = new Set(definitions.slice(1).flatMap(({ name }) => pathsOfTask(name)));
  for (const [path, methods] of Object.entries(document.paths)) {
    if (others.has(path)) continue;
    for (const method of Object.keys(methods)) await validateOnce(app, method.toUpperCase(), path);
  }
  // Payload validators were compiled when the definitions loaded. One validator checks the rest of every
  // submission.
  const [definition] = definitions;
  if (definition === undefined) return;
  const body = { payload: definition.example };
  await submissionProblems(ANY, { definition: submittable(definition), body, path: '', log: { warn() {} } });
}

/** Accepts any callback: the result of this validation is ignored. */
const ANY = { callbacks: { secrets: undefined, allowPrivate: true } };

/** Passes a request to the validator without a network connection. */
function validateOnce(app: express.Express, method: string, path: string): Promise<void> {
  const request = Object.assign(new IncomingMessage(new Socket()), {
    method,
    url: path.replaceAll(/\{\w+\}/g, '01a00000-0000-7000-8000-000000000000'),
    headers: { 'content-type': 'application/json' },
    body: {},
  });
  const response = new ServerResponse(request);
  return new Promise((resolve) => {
    // Express types its application as a plain request listener, but it also takes a `next` function.
    (app as unknown as (...all: unknown[]) => void)(request, response, () => resolve());
  });
}
