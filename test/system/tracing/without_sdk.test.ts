import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Handler, TaskDefinition } from '../../../core/task.ts';
import { traceAttempt, traceIdOf } from '../../../process/tracing.ts';
import { createSender } from '../../../tasks/http/send.ts';
import { httpRequest } from '../../../tasks/http.request.task.ts';
import { startTarget } from '../../fast/tasks/http-harness.ts';
import { call, startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const { pool, url } = await createDatabase();
const api = await startApi(pool);
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

async function targetOf(payload: Record<string, unknown>, headers: Record<string, string>) {
  const target = await startTarget((_request, response) => response.end('ok'));
  const handler = createSender({ allowPrivate: true }) as Handler;
  await startTestRunner(pool, {
    registeredHandlers: new Map([registeredHandler(httpRequest as unknown as TaskDefinition, handler)]),
  });
  const asked = { payload: { url: target.url, ...payload } };
  const { body } = await api.call('POST', '/v1/tasks/http.request', asked, headers);
  const task = await finished(pool, body.task.id);
  expect(task.state).toBe('succeeded');
  return { stored: task.traceparent, sent: target.requests[0]?.headers.traceparent };
}

test("what is stored is the caller's, and it reaches the target of http.request", async () => {
  const { stored, sent } = await targetOf({}, { traceparent: TRACEPARENT });
  expect(stored).toBe(TRACEPARENT);
  expect(sent).toBe(TRACEPARENT);
});

test("without a trace there is none; the payload's own header goes before", async () => {
  expect(await targetOf({}, {})).toEqual({ stored: null, sent: undefined });
  const own = TRACEPARENT.replace('b7ad6b71', 'ffffffff');
  const { sent } = await targetOf({ headers: { TraceParent: own } }, { traceparent: TRACEPARENT });
  expect(sent).toBe(own);
});

test.each([null, TRACEPARENT, `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, 'nonsense'])(
  'an attempt of the traceparent %s gets just that',
  async (traceparent) => {
    const seen: unknown[] = [];
    const task = { id: 'id', name: 'a.b', attempt: 1, traceparent };
    const ended = { kind: 'succeeded' };
    const work = async (own: string | null) => {
      seen.push(own);
      return ended;
    };
    expect(await traceAttempt(task, work)).toBe(ended);
    expect(seen).toEqual([traceparent]);
  },
);

test('the id of a trace, or none', () => {
  expect([TRACEPARENT, null, 'nonsense'].map(traceIdOf)).toEqual([TRACE_ID, null, null]);
});

test("a user's own SDK, given with --import, makes spans in API and runner", async () => {
  const sdk = join(import.meta.dirname, 'fixtures', 'tracing.ts');
  const environment = { NODE_OPTIONS: `--import ${sdk}` };
  const [apiProcess, runner] = await Promise.all([
    startProcess('api/main.ts', url, environment),
    startProcess('runner/main.ts', url, environment),
  ]);
  const headers = { traceparent: TRACEPARENT };
  const asked = { payload: { message: 'with spans' } };
  await call(apiProcess.url, 'POST', '/v1/tasks/example.echo?wait=20', asked, headers);
  await until('both have told their spans', () =>
    [apiProcess, runner].every(({ output }) => output().includes(`traceId: '${TRACE_ID}'`)),
  );
  // Its lines are found by the trace, too.
  await call(apiProcess.url, 'POST', '/v1/tasks/example.fail?wait=20', { payload: { times: 1 } }, headers);
  const failed = runner
    .output()
    .split('\n')
    .find((line) => line.includes('"attempt failed"'));
  expect(JSON.parse(failed ?? '{}')).toMatchObject({ task_name: 'example.fail', trace_id: TRACE_ID });
  expect(apiProcess.output()).toContain("name: 'send example.echo'");
  expect(runner.output()).toContain("name: 'process example.echo'");
});
