import type { RequestHandler } from 'express';
import type { TaskDefinition } from '../../core/task.ts';
import { buildOpenApi } from './build.ts';
import type { OpenApiDocument } from './document.ts';
import { responseValidator } from './responses.ts';
import { requestValidator } from './validator.ts';

/** What requests and responses are held against. Validators are compiled when they are first needed, which takes long. */
export type Contract = {
  document: OpenApiDocument;
  requests: RequestHandler;
  /** Only for tests, and made when they are used: it takes as long again. */
  responses: () => RequestHandler;
};

const contracts = new WeakMap<readonly TaskDefinition[], Contract>();

/** The contract of an API with these definitions: one and the same for all the applications that a process makes of them. */
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
    ),
    responses() {
      responses ??= responseValidator(document);
      return responses;
    },
  };
}
