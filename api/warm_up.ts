import { Socket } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { TaskDefinition } from '../core/task.ts';
import { IncomingMessage, ServerResponse } from '../process/node_http.ts';
import type { OpenApiDocument } from './openapi/document.ts';
import { pathsOfTask } from './openapi/task_paths.ts';
import { submissionProblems } from './validate.ts';

/**
 * Has every validator compiled that a request could need: they would be at the first request of each operation, which
 * then takes seconds. What the validator says of the requests that are made up for it is of no interest.
 */
export async function warmUp(
  validator: RequestHandler,
  document: OpenApiDocument,
  definitions: readonly TaskDefinition[],
): Promise<void> {
  const app = express().use(validator);
  // The paths of all tasks are validated by those of the first (openapi/validator.ts).
  const others = new Set(definitions.slice(1).flatMap(({ name }) => pathsOfTask(name)));
  for (const [path, methods] of Object.entries(document.paths)) {
    if (others.has(path)) continue;
    for (const method of Object.keys(methods)) await validateOnce(app, method.toUpperCase(), path);
  }
  // What judges payloads was made when their definitions loaded. What judges the rest of a submission is one for all.
  const [definition] = definitions;
  if (definition === undefined) return;
  const body = { payload: definition.example };
  await submissionProblems(ANY, { definition, body, path: '', log: { warn() {} } });
}

/** What may be called is of no interest either. */
const ANY = { callbacks: { secrets: undefined, allowPrivate: true } };

/** A request that never was on a wire. */
function validateOnce(app: express.Express, method: string, path: string): Promise<void> {
  const request = Object.assign(new IncomingMessage(new Socket()), {
    method,
    url: path.replaceAll(/\{\w+\}/g, '01a00000-0000-7000-8000-000000000000'),
    headers: { 'content-type': 'application/json' },
    body: {},
  });
  const response = new ServerResponse(request);
  return new Promise((resolve) => {
    // A plain listener of requests by its type; it also takes what comes after it.
    (app as unknown as (...all: unknown[]) => void)(request, response, () => resolve());
  });
}
