import { expect, test } from 'vitest';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { openSocket } from '../../../support/network/web_socket.ts';
import { startProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';

// What the log says of streams, with a real process: a clean end, an unclean end, and a stop with streams open.

type Line = { level: number; msg: string; connection_id?: string; [field: string]: unknown };

function linesOf(output: string): Line[] {
  return output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));
}

test('the log tells the start and the end of each WebSocket by its id, and a stop with open streams logs no trouble', async () => {
  const { url } = await createDatabase();
  const api = await startProcess('api/main.ts', url);
  const lines = () => linesOf(api.output());
  const idOf = async ({ messages }: Awaited<ReturnType<typeof openSocket>>): Promise<string> =>
    until('the first message is there', () => messages[0]?.type === 'connected' && messages[0].connection_id);
  const endOf = (id: string) =>
    until('its end is logged', () => lines().find((one) => one.connection_id === id && 'code' in one));

  const clean = await openSocket(api.url);
  const unclean = await openSocket(api.url);
  const [cleanId, uncleanId] = [await idOf(clean), await idOf(unclean)];
  expect(cleanId).not.toBe(uncleanId);
  expect(lines().filter((one) => one.connection_id === cleanId)).toMatchObject([
    { msg: 'a WebSocket was opened', actor: 'anonymous' },
  ]);
  const counts = async () => {
    const { text } = await call(api.url, 'GET', '/metrics');
    return [...text.matchAll(/^errand_http_streams\{kind="(\w+)"\} (\d+)$/gm)].map(([, kind, count]) => [
      kind,
      count,
    ]);
  };
  expect(await counts()).toEqual([
    ['event_stream', '0'],
    ['websocket', '2'],
  ]);

  clean.socket.close(1000, 'done');
  unclean.socket.terminate();
  expect(await endOf(cleanId)).toMatchObject({
    msg: 'a WebSocket was closed',
    code: 1000,
    reason: 'done',
    is_clean: true,
    duration_ms: expect.any(Number),
  });
  expect(await endOf(uncleanId)).toMatchObject({ msg: 'a WebSocket broke off', code: 1006, is_clean: false });

  const open = await openSocket(api.url);
  const openId = await idOf(open);
  await open.ask({ type: 'subscribe', namespace: 'example' });
  const { body } = await call(api.url, 'POST', '/v1/tasks/example.echo', { payload: { message: 'never' } });
  const stream = await fetch(`${api.url}/v1/tasks/${body.task.id}/events`);
  expect(stream.status).toBe(200);
  api.child.kill('SIGTERM');
  expect(await open.closed).toEqual([1001, 'the process is stopping: connect again']);
  await stream.text();
  expect(await api.exited).toBe(0);
  expect(await endOf(openId)).toMatchObject({ code: 1001, is_clean: true });
  const stops = lines().filter(({ msg }) => msg === 'the open streams are asked to connect again');
  expect(stops).toMatchObject([{ event_streams: 1, websockets: 1 }]);
  expect(lines().filter(({ level }) => level >= 40)).toEqual([]);
  expect(lines().filter(({ msg }) => msg === 'request aborted')).toEqual([]);
});
