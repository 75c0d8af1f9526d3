import { expect, test } from 'vitest';
import { parseConfig } from '../../../config/load.ts';
import { secretsFor } from '../../../config/webhook_secrets.ts';

/** A secret of so many bytes. */
function secret(bytes: number, character = 'a'): string {
  return `whsec_${Buffer.alloc(bytes, character).toString('base64')}`;
}

function parse(value: string) {
  return parseConfig({ WEBHOOK_SECRETS: value }).WEBHOOK_SECRETS;
}

test.each([
  ['one', secret(24), [{ namespace: null, secret: secret(24) }]],
  [
    'several, with blanks, of a namespace and not',
    `${secret(24)} , billing=${secret(64, 'b')},\n a_1=${secret(25)}`,
    [
      { namespace: null, secret: secret(24) },
      { namespace: 'billing', secret: secret(64, 'b') },
      { namespace: 'a_1', secret: secret(25) },
    ],
  ],
  ['unset', '', undefined],
])('%s', (_what, value, expected) => {
  expect(parse(value)).toEqual(expected);
});

test.each([
  ['too short', secret(23)],
  ['too long', secret(65)],
  ['one of several too short', `${secret(24)},${secret(2)}`],
  ['without its prefix', secret(24).slice(6)],
  ['with another prefix', secret(24).replace('whsec_', 'whpk_')],
  ['not in base64', 'whsec_not-base64!not-base64!not-base64!'],
  ['without its padding', secret(25).replaceAll('=', '')],
  ['of what is no namespace', `Billing=${secret(24)}`],
  ['with nothing after a comma', `${secret(24)},`],
])('a secret %s is refused, and is not shown', (_what, value) => {
  let message = '';
  try {
    parse(value);
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain('WEBHOOK_SECRETS=*** is not accepted');
  expect(message).not.toContain(value);
});

test('a namespace has its own secrets, and without any the general ones', () => {
  const secrets = parse(
    `${secret(24, 'g')},billing=${secret(24, 'b')},${secret(24, 'h')},billing=${secret(24, 'c')}`,
  );
  expect(secretsFor(secrets, 'billing')).toEqual([secret(24, 'b'), secret(24, 'c')]);
  expect(secretsFor(secrets, 'shipping')).toEqual([secret(24, 'g'), secret(24, 'h')]);
  expect(secretsFor(parse(`billing=${secret(24)}`), 'shipping')).toEqual([]);
  expect(secretsFor(undefined, 'billing')).toEqual([]);
});
