import { expect, test } from 'vitest';
import { NotFoundError } from '../../../client/index.ts';
import { answer, begin, END, scripted } from './scripted.ts';

const ID = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';

test('a task that is not there is told so, also by a stream', async () => {
  const { client } = await scripted((response) =>
    answer(response, { error: 'There is no task', code: 'NOT_FOUND', request_id: 'r' }, 404),
  );
  await expect(client.logs(ID, { follow: true }).next()).rejects.toThrow(NotFoundError);
  await expect(client.events(ID).next()).rejects.toThrow(NotFoundError);
  await expect(client.wait(ID)).rejects.toThrow(NotFoundError);
});

const record = (state: string) => ({
  id: ID,
  name: 'a.b',
  state,
  progress: null,
  error: null,
  result: 7,
  max_attempts: 3,
});

test('a wait follows the events, over connections that break, and then reads the record', async () => {
  const { client, told } = await scripted((response, request, nth) => {
    if (request.headers.accept !== 'text/event-stream') {
      answer(response, record(nth < 4 ? 'running' : 'succeeded'));
      return;
    }
    begin(response);
    if (nth === 2) response.end('id: x1\nevent: state\ndata: {"state":"running","progress":0.5}\n\n');
    else response.write(`id: x2\nevent: state\ndata: {"state":"succeeded"}\n\n${END}`);
  });
  expect(await client.wait(ID)).toMatchObject({ state: 'succeeded', result: 7, maxAttempts: 3 });
  expect(told).toEqual([
    { path: `/v1/tasks/${ID}?wait=1`, lastEventId: undefined, accept: 'application/json' },
    { path: `/v1/tasks/${ID}/events`, lastEventId: undefined, accept: 'text/event-stream' },
    { path: `/v1/tasks/${ID}/events`, lastEventId: 'x1', accept: 'text/event-stream' },
    { path: `/v1/tasks/${ID}?wait=0`, lastEventId: undefined, accept: 'application/json' },
  ]);
});

test('a wait where there are no streams asks for the record again and again', async () => {
  const { client, told } = await scripted((response, request, nth) => {
    if (request.headers.accept === 'text/event-stream') answer(response, {}, 406);
    else answer(response, record(nth < 5 ? 'running' : 'failed'));
  });
  await expect(client.wait(ID)).rejects.toMatchObject({ code: 'TASK_FAILED' });
  expect(told.map(({ path }) => path.replace(`/v1/tasks/${ID}`, ''))).toEqual([
    '?wait=1',
    '/events',
    '?wait=20',
    '?wait=20',
    '?wait=20',
  ]);
});

test('events are those of the stream, or where there is none the changes of the record', async () => {
  const states = ['queued', 'queued', 'running', 'succeeded'];
  for (const hasStreams of [true, false]) {
    let next = 0;
    const { client } = await scripted((response, request) => {
      if (request.headers.accept !== 'text/event-stream')
        answer(response, record(states[next++] ?? 'succeeded'));
      else if (!hasStreams) answer(response, {}, 404);
      else {
        begin(response);
        const events = ['queued', 'running', 'succeeded'].map(
          (state) => `id: ${state}\nevent: state\ndata: ${JSON.stringify(record(state))}\n\n`,
        );
        response.end(`${events.join('event: attempt\ndata: {}\n\n')}${END}`);
      }
    });
    const told: string[] = [];
    for await (const { state, maxAttempts } of client.events(ID)) told.push(`${state} ${maxAttempts}`);
    expect(told).toEqual(['queued 3', 'running 3', 'succeeded 3']);
  }
});
