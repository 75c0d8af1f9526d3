import type { RequestHandler } from 'express';
import type { TaskDefinition } from '../../core/task.ts';
import { submitBatchPaths } from '../submit/submit_batch.ts';
import { submitTaskPaths } from '../submit/submit_task.ts';
import { buildOpenApi } from './build.ts';
import { responseValidator } from './responses.ts';
import type { OpenApiDocument } from './schemas/document.ts';
import { ANY_NAME, requestValidator } from './validator.ts';

/** The OpenAPI document and its validators. A validator is compiled on first use, which takes long. */
export type Contract = {
  document: OpenApiDocument;
  requests: RequestHandler;
  /** Only for tests. Created on first use, because it takes as long again. */
  responses: () => RequestHandler;
};

/** Stands for all tasks: without bodies and answers, their paths are alike. */
const ANY = { name: ANY_NAME, namespace: 'tasks', description: 'Any task', resultJsonSchema: undefined };

const contracts = new WeakMap<readonly TaskDefinition[], Contract>();

/**
 * The contract of an API with these definitions. All applications of a process with the same definitions
 * share it.
 */
export function contractOf(definitions: readonly TaskDefinition[]): Contract {
  const made = contracts.get(definitions) ?? makeContract(definitions);
  contracts.set(definitions, made);
  return made;
}

function makeContract(definitions: readonly TaskDefinition[]): Contract {
  const document = buildOpenApi(definitions);
  let responses: RequestHandler | undefined;
  return {
    document,
    requests: requestValidator(
      document,
      definitions.map(({ name }) => name),
      { ...submitTaskPaths(ANY), ...submitBatchPaths(ANY) },
    ),
    responses() {
      responses ??= responseValidator(document);
      return responses;
    },
  };
}
