import { expect, test } from 'vitest';
import { parseConfig } from '../../../config/load.ts';
import { httpRequest } from '../../../tasks/http.request.task.ts';
import { call, failureOf, startTarget } from './http-harness.ts';

const VALUE = 'Bearer sesame-open-up';

function secretsFor(...hosts: string[]) {
  return new Map([['SHOP', { value: VALUE, hosts }]]);
}

const secret_headers = { 'X-Shop-Entry': 'SHOP' };

test('a header is sent with the secret that the payload names', async () => {
  const target = await startTarget((_request, response) => response.end());
  await call({ url: target.url, secret_headers }, { secrets: secretsFor('127.0.0.1') });
  await call({ url: target.url, secret_headers }, { secrets: secretsFor(`127.0.0.1:${target.port}`) });
  expect(target.requests.map(({ headers }) => headers['x-shop-entry'])).toEqual([VALUE, VALUE]);
});

test('a secret goes to no other host, port or stranger, and what is not there is said', async () => {
  const target = await startTarget((_request, response) => response.end());
  for (const host of ['api.example.com', '127.0.0.1:1', '127.0.0', '27.0.0.1']) {
    const error = await failureOf(call({ url: target.url, secret_headers }, { secrets: secretsFor(host) }));
    expect(error).toMatchObject({ name: 'PermanentError', code: 'SECRET_NOT_FOR_HOST' });
    expect(String(error)).not.toContain('sesame');
  }
  for (const name of ['OTHER', 'constructor']) {
    const error = await failureOf(call({ url: target.url, secret_headers: { 'X-Key': name } }));
    expect(error).toMatchObject({
      code: 'UNKNOWN_SECRET',
      message: `HTTP_SECRETS of the runner has no secret ${name}`,
    });
  }
  expect(target.requests).toEqual([]);
});

test('nothing is recorded of secrets that a target echoes, nor of its cookies', async () => {
  const target = await startTarget((request, response) => {
    const status = request.url === '/fail' ? 500 : 200;
    response
      .writeHead(status, {
        'set-cookie': ['session=of-the-target'],
        'x-auth-token': 'token-of-the-target',
        'x-seen': request.headers['x-shop-entry'],
      })
      .end(
        Buffer.concat([
          Buffer.from(`${JSON.stringify(request.headers)} é `),
          Buffer.from([request.url === '/bytes' ? 0 : 32]),
        ]),
      );
  });
  const headers = { Authorization: 'Bearer plain-in-the-payload', 'Idempotency-Key': 'told-to-everybody' };
  const options = { secrets: secretsFor('127.0.0.1') };
  for (const path of ['/', '/bytes']) {
    const result = await call({ url: `${target.url}${path}`, headers, secret_headers }, options);
    const body = Buffer.from(result.body, result.encoding).toString();
    expect(JSON.stringify(result) + body).not.toMatch(/sesame|in-the-payload|of-the-target/);
    expect(body).toContain('told-to-everybody');
    expect(body).toContain(' é ');
    expect(result.headers).toMatchObject({
      'set-cookie': '***',
      'x-auth-token': '***',
      'x-seen': 'Bearer ***',
    });
  }
  const error = await failureOf(call({ url: `${target.url}/fail`, headers, secret_headers }, options));
  expect(JSON.stringify(error)).not.toMatch(/sesame|in-the-payload|of-the-target/);
});

test.each([
  ['a header that is given in clear, too', { headers: { 'x-shop-entry': 'a' }, secret_headers }],
  ['a header of the connection', { secret_headers: { Host: 'SHOP' } }],
  ['a name that none can have', { secret_headers: { 'X-Key': 'a b' } }],
  ['one header twice', { secret_headers: { 'X-Key': 'A', 'x-key': 'A' } }],
])('%s is refused', (_what, more) => {
  expect(httpRequest.payload.safeParse({ url: 'https://a.example', ...more }).success).toBe(false);
});

test('the secrets are read, and nothing of those that can not be used is shown', () => {
  const text = JSON.stringify({ SHOP: { value: VALUE, hosts: ['api.example.com', 'localhost:8080'] } });
  expect(parseConfig({ HTTP_SECRETS: text }).HTTP_SECRETS?.get('SHOP')).toEqual({
    value: VALUE,
    hosts: ['api.example.com', 'localhost:8080'],
  });
  for (const wrong of [
    'sesame',
    '[]',
    '{"SHOP":"sesame"}',
    '{"SHOP":{"value":"sesame"}}',
    '{"SHOP":{"value":"sesame","hosts":[]}}',
    '{"SHOP":{"value":"sesame\\n","hosts":["a.example"]}}',
    '{"SHOP":{"value":"sesame","hosts":["https://a.example/"]}}',
    '{"S H":{"value":"sesame","hosts":["a.example"]}}',
  ]) {
    expect(() => parseConfig({ HTTP_SECRETS: wrong })).toThrow(/^(?!.*sesame)[\s\S]*HTTP_SECRETS=\*\*\*/);
  }
});
