import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { afterAll, expect, test } from 'vitest';
import { inOneLayer } from '../../../../api/middleware/in_one_layer.ts';
import { call } from '../../../support/api.ts';

const goOn: RequestHandler = (_request, _response, next) => next();
const answer: RequestHandler = (_request, response) => void response.json({ order: response.locals.order });

function step(name: string): RequestHandler {
  return (_request, response, next) => {
    response.locals.order = [...(response.locals.order ?? []), name];
    next();
  };
}

async function ask(app: Express) {
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  return call(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'GET', '/');
}

async function answerOf(...handlers: RequestHandler[]) {
  const app = express().use(inOneLayer(...handlers));
  app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
    response.status(500).json({ error: error.message });
  });
  return ask(app);
}

test('middleware in one layer runs in its order, whether it waits or not', async () => {
  const late: RequestHandler = async (request, response, next) => {
    await Promise.resolve();
    step('late')(request, response, next);
  };
  const { body } = await answerOf(step('first'), late, step('last'), answer);
  expect(body).toEqual({ order: ['first', 'late', 'last'] });
});

test('as in Express, null given to next is no error', async () => {
  const withNull: RequestHandler = (_request, _response, next) => next(null);
  const { body } = await answerOf(step('first'), withNull, step('last'), answer);
  expect(body).toEqual({ order: ['first', 'last'] });
});

test('what is after the layer goes on when all of it is done, also when it has nothing', async () => {
  const app = express().use(inOneLayer(), inOneLayer(step('one')), answer);
  expect((await ask(app)).body).toEqual({ order: ['one'] });
});

const FAILURES: [string, RequestHandler][] = [
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['rejects', async () => Promise.reject(new Error('broken'))],
  ['gives to next', (_request, _response, next) => next(new Error('broken'))],
];

test.each(FAILURES)('what one %s ends the row, wherever it is', async (_how, failing) => {
  const never = step('never');
  const afterAWait: RequestHandler = async (_request, _response, next) => {
    await Promise.resolve();
    next();
  };
  for (const before of [[], [goOn], [afterAWait]]) {
    const { status, body } = await answerOf(...before, failing, never, answer);
    expect({ status, body }).toEqual({ status: 500, body: { error: 'broken' } });
  }
});
