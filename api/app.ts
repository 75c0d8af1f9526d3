import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { type Options, pinoHttp } from 'pino-http';
import { type ProbeSource, probes } from '../process/probes.ts';
import { readBody } from './body.ts';
import type { ApiContext } from './context.ts';
import { docs } from './docs.ts';
import { answerError } from './errors.ts';
import { buildOpenApi } from './openapi/build.ts';
import { openApiValidator } from './openapi/validator.ts';
import { assignRequestId } from './request.ts';
import { cancelTask } from './routes/cancel_task.ts';
import { getTask } from './routes/get_task.ts';
import { listRunners } from './routes/list_runners.ts';
import { listTasks } from './routes/list_tasks.ts';
import { retryTask } from './routes/retry_task.ts';
import { submitTaskBatch } from './routes/submit_batch.ts';
import { submitByName, submitTask } from './routes/submit_task.ts';
import { findDefinition } from './submission.ts';

export type AppOptions = ApiContext & {
  log: Logger;
  probeSource: ProbeSource;
  /** In tests: whether responses are held against the OpenAPI document too. */
  validateResponses: boolean;
};

/** The API as an Express application: its middleware in the order of the specification (A2), then its operations. */
export function createApp(options: AppOptions): Express {
  const app = express().disable('x-powered-by');
  const document = buildOpenApi(options.registry.definitions);
  // Request id, then log: whatever goes wrong after here has both.
  app.use(pinoHttp({ logger: options.log, genReqId: assignRequestId, ...accessLog }));
  // TLS ends before us, if at all: asking browsers for https would break the docs page on a plain host.
  app.use(
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    }),
  );
  app.use(probes(options.probeSource));
  app.use(docs(document));
  app.use((request, _response, next) => {
    // The validator knows only the methods of the document; for Node a HEAD stays one and gets no body.
    if (request.method === 'HEAD') request.method = 'GET';
    next();
  });
  // Before the validator, which would say of an unknown task just that there is no such path.
  app.post(['/v1/tasks/:name', '/v1/tasks/:name/batch'], (request, _response, next) => {
    findDefinition(options.registry, String(request.params.name), '/path/name');
    next();
  });
  app.use(readBody);
  app.use(openApiValidator(document, { responses: options.validateResponses }));
  operations(app, options);
  app.use(answerError);
  return app;
}

/** Every operation of openapi.yaml has its line here. */
function operations(app: Express, context: ApiContext): void {
  app.get('/v1/tasks', listTasks(context));
  app.post('/v1/tasks', submitByName(context));
  app.get('/v1/tasks/:id', getTask(context));
  app.post('/v1/tasks/:name', submitTask(context));
  app.post('/v1/tasks/:name/batch', submitTaskBatch(context));
  app.delete('/v1/tasks/:id', cancelTask(context));
  app.patch('/v1/tasks/:id/retry', retryTask(context));
  app.get('/v1/runners', listRunners(context));
}

/** One line per request: what was asked, what was answered, how long it took. Probes are not worth one. */
const accessLog: Options = {
  customAttributeKeys: { reqId: 'request_id', responseTime: 'duration_ms' },
  quietReqLogger: true,
  serializers: {
    req: (request: IncomingMessage) => ({ method: request.method, url: request.url }),
    res: (response: ServerResponse) => ({ status: response.statusCode }),
  },
  autoLogging: { ignore: (request: IncomingMessage) => /^\/(health|ready|live)/.test(request.url ?? '') },
};
