import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Request, RequestHandler } from 'express';
import { pointerPart } from '../../core/json/json.ts';
import { type OpenApiDocument, placeOfAnswer } from './schemas/document.ts';
import { ANY_NAME, ANY_TASK, nameInPath } from './validator.ts';

const JSON_TYPE = 'application/json';

/**
 * Makes middleware that validates every JSON answer against the document. An answer that does not fit, or
 * whose status is not documented, becomes a 500, so production does not use it. It runs after the validator
 * of requests, which finds the operation.
 *
 * express-openapi-validator could do this too. But for each status of an operation it compiles a schema with
 * the complete document in it; this was a quarter of the time of the API's tests.
 */
export function responseValidator(document: OpenApiDocument): RequestHandler {
  // A test holds the document itself against its own schema: doing it here was a tenth of a start.
  const ajv = new Ajv2020({ strict: false, validateSchema: false, logger: false });
  formats.default(ajv);
  ajv.addSchema({ ...document, $id: 'document:' });
  const compiled = new Map<string, ValidateFunction>();

  /** The problem with an answer of an operation; null if it fits. */
  function problemOf(operation: [string, string], status: number, body: unknown): string | null {
    const answer = placeOfAnswer(document, operation, status);
    if (answer === undefined) return `has the status ${status}, which is not documented`;
    const pointer = [...answer, 'content', JSON_TYPE, 'schema']
      .map((part) => `/${encodeURIComponent(pointerPart(part))}`)
      .join('');
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `document:#${pointer}` });
    compiled.set(pointer, validate);
    return validate(body) ? null : `does not fit ${pointer}: ${ajv.errorsText(validate.errors)}`;
  }

  return (request, response, next) => {
    const operation = operationOf(request, document);
    if (operation === null) return next();
    const send = response.json.bind(response);
    response.json = (body: unknown) => {
      // The error answer to this problem must not be validated again.
      response.json = send;
      const { statusCode } = response;
      const text = JSON.stringify(body);
      const problem = statusCode < 500 && problemOf(operation, statusCode, JSON.parse(text));
      if (problem) throw new Error(`The answer ${problem}: ${text}`);
      return send(body);
    };
    next();
  };
}

/**
 * The path and method in the document of the operation that the validator of requests has found. A task that
 * the document lacks is answered as if its body named it; its batch, like any other batch. Null if there is no
 * other batch.
 */
function operationOf(request: Request, { paths }: OpenApiDocument): [path: string, method: string] | null {
  const { openapi } = request as Request & { openapi?: Found };
  // The validator does not look for the operation of a plain submission.
  const { openApiRoute, pathParams } = openapi ?? {
    openApiRoute: ANY_TASK,
    pathParams: { name: nameInPath(request.path) ?? '' },
  };
  const method = request.method.toLowerCase();
  if (!openApiRoute.startsWith(ANY_TASK)) return [openApiRoute, method];
  const path = openApiRoute.replace(ANY_NAME, String(pathParams.name));
  if (paths[path] !== undefined) return [path, method];
  const isBatch = openApiRoute !== ANY_TASK;
  const other = isBatch ? Object.keys(paths).find((one) => one.endsWith('/batch')) : '/v1/tasks';
  return other === undefined ? null : [other, method];
}

type Found = { openApiRoute: string; pathParams: Record<string, string> };
