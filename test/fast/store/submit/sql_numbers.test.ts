import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Detail } from '../../../../core/errors.ts';
import { createDatabase } from '../../../support/database.ts';
import { bySql, expectSame } from './sql_and_http.ts';

// The numbers of what errand.submit is given, held against what HTTP makes of them.

const { pool } = await createDatabase();

const NUMBERS = [
  ...[
    '0',
    '-0',
    '0.0',
    '-0.000',
    '1',
    '1.0',
    '1.10',
    '1.1',
    '-1.50',
    '100',
    '100.00',
    '1e2',
    '1.5e1',
    '19.90',
  ],
  ...['0.1', '0.30000000000000004', '0.3000000000000000', '0.1000000000000000055511151231257827'],
  ...['123456789012345', '1234567890123456', '999999999999999.9', '9007199254740991', '9007199254740992'],
  ...[
    '9007199254740993',
    '-9007199254740993',
    '9007199254740993.0',
    '9007199254740993.5',
    '900719925474099.3e1',
  ],
  ...[
    '1763721234567000000',
    '1763721234567000001',
    '12e20',
    '1e21',
    '1e22',
    '1e23',
    '1.0e23',
    '123456789012345e10',
  ],
  ...[
    '99999999999999999999999',
    '100000000000000000000001',
    '9.5e22',
    '1e99',
    '1e100',
    '1e300',
    '1e308',
    '-1e308',
  ],
  ...['1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', '1e309', '-1e400'],
  ...[
    '5e-324',
    '4.9e-324',
    '2.5e-324',
    '2.4e-324',
    '2.2250738585072014e-308',
    '1e-400',
    '-1e-400',
    '1e-7',
    '1.10e-10',
  ],
];

test.each(NUMBERS)('%s is stored or refused as over HTTP, wherever it is', async (number) => {
  for (const text of [
    `{"n":${number}}`,
    `{"n":[${number}]}`,
    `{"list":[{"a/b~c":[1,${number}]},${number},"1.10"],"text":"x","none":{},"empty":[]}`,
  ]) {
    await expectSame(pool, text);
  }
});

test('of equal payloads one is stored, and what a double changes is refused with its path and value', async () => {
  expect(await bySql(pool, '{"q": 1.10}')).toEqual({ stored: '{"q": 1.1}' });
  expect(await bySql(pool, '{"q": [1e23, "1.10", 9007199254740992.0]}')).toEqual({
    stored: '{"q": [100000000000000000000000, "1.10", 9007199254740992]}',
  });
  expect(await bySql(pool, '{"a": [0, {"n": 9007199254740993}]}')).toEqual({
    problems: [
      {
        path: '/payload/a/1/n',
        message:
          'is an integer beyond ±2^53 that cannot be stored exactly: send it as a string, got 9007199254740993',
      },
    ],
  });
  const { problems: [tiny] = [] } = (await bySql(pool, '{"n": 1e-400}')) as { problems?: Detail[] };
  expect(tiny?.message).toBe(`is a number outside the range of a double, got 0.${'0'.repeat(98)}…`);
});

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((list) => list.join(''));

/** A number that is as near to a double as to its neighbour, where both are integers: which is even decides. */
const between = fc
  .tuple(
    fc.integer({ min: 1, max: 24 }),
    fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
    fc.integer({ min: -1, max: 1 }),
  )
  .map(([power, mantissa, off]) => String((2n * mantissa + 1n) * 2n ** BigInt(power - 1) + BigInt(off)));

/** Few digits and a large or small power of ten: doubles whose shortest digits are at the edge of what is nearest. */
const short = fc
  .tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: -330, max: 312 }))
  .map(([figure, power]) => `${figure}e${power}`);

const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  fc.integer().map(String),
  fc.maxSafeInteger().map(String),
  digits(1, 30).map((text) => text.replace(/^0+(?=\d)/, '')),
  fc.tuple(digits(1, 20), digits(1, 25)).map(([whole, part]) => `${whole.replace(/^0+(?=\d)/, '')}.${part}`),
  fc.tuple(digits(1, 6), digits(1, 4)).map(([whole, part]) => `-${whole.replace(/^0+(?=\d)/, '')}.${part}00`),
  fc
    .tuple(fc.integer({ min: -9, max: 9 }), digits(0, 25), fc.integer({ min: -400, max: 400 }))
    .map(([first, part, power]) => `${first}${part === '' ? '' : `.${part}`}e${power}`),
  between,
  short,
);

test('any numbers are stored or refused as over HTTP', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(numberText, { minLength: 1, maxLength: 20 }), (numbers) =>
      expectSame(pool, `{"n": [${numbers.join(',')}], "o": {"x": ${numbers[0]}}}`),
    ),
    { numRuns: 300 },
  );
});
