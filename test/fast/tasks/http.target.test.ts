import type { LookupAddress } from 'node:dns';
import { afterEach, expect, test, vi } from 'vitest';
import { PermanentError } from '../../../core/errors.ts';
import { addressKind } from '../../../core/network/address.ts';
import type { Lookup } from '../../../tasks/http/target.ts';
import { httpRequest } from '../../../tasks/http.request.task.ts';
import { call, contextOf, failureOf, fenceConnections, startTarget } from './http-harness.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

test.each([
  ['8.8.8.8', 'unicast'],
  ['2606:4700::1111', 'unicast'],
  ['::ffff:8.8.8.8', 'unicast'],
  ['64:ff9b::8.8.8.8', 'unicast'],
  ['2002:808:808::1', 'unicast'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['2002:7f00:1::', 'loopback'],
  ['::7f00:1', 'reserved'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['64:ff9b::a00:1', 'private'],
  ['2002:c0a8:101::1', 'private'],
  ['169.254.169.254', 'linkLocal'],
  ['::ffff:169.254.169.254', 'linkLocal'],
  ['64:ff9b::a9fe:a9fe', 'linkLocal'],
  ['fe80::1', 'linkLocal'],
  ['fe80::1%1', 'linkLocal'],
  ['fd00::1', 'uniqueLocal'],
  ['fd00:ec2::254', 'uniqueLocal'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['100.64.0.1', 'carrierGradeNat'],
  ['100.100.100.200', 'carrierGradeNat'],
  ['192.0.0.192', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['168.63.129.16', 'cloudInternal'],
  ['64:ff9b:1::a00:1', 'rfc6052'],
  ['::ffff:0:127.0.0.1', 'rfc6145'],
  ['2001:0:7f00:1::', 'teredo'],
  ['4000::1', 'reserved'],
])('%s is %s', (address, kind) => {
  expect(addressKind(address)).toBe(kind);
});

test.each([
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '127.0.0.1%2e',
  '①②⑦.0.0.1',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[0:0:0:0:0:ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '169.254.169.254',
  '0xa9fea9fe',
  '10.0.0.1',
  '192.168.0.1',
  '0.0.0.0',
  '0',
  '[::]',
  '[fd00::1]',
  '[fe80::1]',
  'localhost',
])('refuses to call %s, without a connection', async (host) => {
  const target = await startTarget((_request, response) => response.end());
  const used = fenceConnections();
  for (const scheme of ['http', 'https']) {
    const error = await failureOf(
      call({ url: `${scheme}://${host}:${target.port}/` }, { allowPrivate: false }),
    );
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({
      code: 'PRIVATE_TARGET',
      message: expect.stringContaining('ALLOW_PRIVATE_TARGETS'),
    });
  }
  expect(used).toEqual([]);
  expect(target.sockets).toEqual([]);
});

/** A name server that gives each of these answers once, then the last one for ever. */
function nameServer(...answers: string[][]) {
  const asked: string[] = [];
  const lookup: Lookup = (hostname, _options, callback) => {
    asked.push(hostname);
    const answer = answers[Math.min(asked.length, answers.length) - 1] ?? [];
    const addresses: LookupAddress[] = answer.map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    setImmediate(() => callback(null, addresses));
  };
  return { lookup, asked };
}

test('a name server that changes its answer can not lead to a private address', async () => {
  const target = await startTarget((_request, response) => response.end());
  const used = fenceConnections();
  const { lookup, asked } = nameServer(['8.8.8.8'], ['127.0.0.1']);
  const attempt = () =>
    failureOf(call({ url: `http://rebind.test:${target.port}/` }, { allowPrivate: false, lookup }));

  expect(await attempt()).toMatchObject({ name: 'HttpRequestError', code: 'EFENCED' });
  // The address that was checked is the one that the socket got, from the same answer.
  expect(used).toEqual(['8.8.8.8']);
  expect(asked).toEqual(['rebind.test']);

  expect(await attempt()).toMatchObject({ name: 'PermanentError', code: 'PRIVATE_TARGET' });
  expect(used).toEqual(['8.8.8.8']);
  expect(target.sockets).toEqual([]);
});

test.each([
  [['8.8.8.8', '10.0.0.1']],
  [['2606:4700::1111', '127.0.0.1']],
  [['8.8.8.8', '::ffff:169.254.169.254']],
])('one private address among %j refuses the name', async (answer) => {
  const used = fenceConnections();
  const { lookup } = nameServer(answer);
  const error = await failureOf(call({ url: 'http://mixed.test/' }, { allowPrivate: false, lookup }));
  expect(error).toMatchObject({ code: 'PRIVATE_TARGET', metadata: { host: 'mixed.test' } });
  expect(`${error} ${JSON.stringify(error)}`).not.toContain(answer[1]);
  expect(used).toEqual([]);
});

test('a name without addresses is tried again', async () => {
  const { lookup } = nameServer([]);
  const error = await failureOf(call({ url: 'http://empty.test/' }, { allowPrivate: false, lookup }));
  expect(error).toMatchObject({ name: 'HttpRequestError', code: 'ENOTFOUND' });
});

test('with private targets allowed, a name leads to its private address', async () => {
  const target = await startTarget((_request, response) => response.end('inside'));
  const { lookup } = nameServer(['127.0.0.1']);
  const result = await call({ url: `http://inside.test:${target.port}/` }, { lookup });
  expect(result).toMatchObject({ status: 200, body: 'inside' });
  expect(target.requests[0]?.headers.host).toBe(`inside.test:${target.port}`);
});

test('the shipped handler obeys ALLOW_PRIVATE_TARGETS, which is off by default', async () => {
  const target = await startTarget((_request, response) => response.end('inside'));
  const run = async (setting: string) => {
    vi.stubEnv('ALLOW_PRIVATE_TARGETS', setting);
    vi.resetModules();
    const { default: handler } = await import('../../../tasks/http.request.handler.ts');
    return handler(httpRequest.payload.parse({ url: target.url }), contextOf());
  };
  for (const setting of ['', 'false']) {
    // Not by class: the module was loaded again, with a PermanentError of its own.
    expect(await failureOf(run(setting))).toMatchObject({ name: 'PermanentError', code: 'PRIVATE_TARGET' });
  }
  expect(target.sockets).toEqual([]);
  expect(await run('true')).toMatchObject({ status: 200, body: 'inside' });
});
