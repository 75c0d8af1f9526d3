import fc from 'fast-check';
import { anyText, nested } from '../core/arbitraries.ts';
import { encode } from './requests.ts';

/** What JSON can write and JavaScript can't hold: stands in a value as a text, is taken out of its quotes when sent. */
export const RAW = /"@raw:([^"@]+)@"/g;
const RAW_NUMBERS = '1e400 -1e400 123456789012345678901 1e-999 -0 1.0 1E2 9007199254740993'.split(' ');

const TIMES = [
  '2026-02-30T00:00:00Z 2026-01-01T24:00:00Z 2026-01-01T23:59:60Z 2026-01-01 0000-01-01T00:00:00Z infinity now',
  '9999-12-31T23:59:59-14:00 +275760-09-13T00:00:00Z 2026-01-01T00:00:00+99:99 2026-01-01t00:00:00z',
].flatMap((line) => line.split(' '));

const TEXTS = [
  '',
  ' ',
  '0',
  'null',
  'NaN',

  '\\u0000',
  '\u2028',
  '%00',
  '../..',
];

/** What Postgres can't hold. */
const POISON = ['\0', 'a\0b', '\ud800', '\udfff😀'];

const oddText = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...POISON) },
  anyText,
  fc.constantFrom(...TEXTS),
  fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty', '$ref', '{{7*7}}', "'; drop table x; --"),
  fc.constantFrom(...TIMES),
  fc.constantFrom(...['urn:uuid:', ''].map((before) => `${before}00000000-0000-7000-8000-00000000000`)),
  fc.constantFrom(1, 33, 129, 201, 1_001, 70_000).map((length) => 'x'.repeat(length)),
);

const oddNumber = fc.oneof(
  fc.constantFrom(...RAW_NUMBERS.map((number) => `@raw:${number}@`)),
  fc.constantFrom(0, -1, 1.5, 1e308, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1_001, 32_768),
  fc.double(),
);

/** Values that hardly any schema wants: a text in the place of a text, a number in that of a number, or any. */
export const odd = fc.record({
  text: oddText,
  number: oddNumber,
  any: fc.oneof(
    oddText,
    oddNumber,
    fc.constantFrom<unknown>(null, true, false, [], [[]], [null], {}, { a: 1 }, { length: 3 }),
    fc.constantFrom(0, 63, 64, 65, 200).map((depth) => JSON.parse(nested(depth)) as unknown),
  ),
});

/** Keys that hardly any object has. */
export const oddKey = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '',
    ' ',
    'a\0b',
    '\ud800',
    'extra',
    'length',
    '0',
    'Payload',
  ),
  fc.string({ unit: 'binary', maxLength: 10 }),
);

/** Headers with values that are wrong, or ask for what there is not. */
export const HEADERS: [name: string, values: string[]][] = [
  [
    'content-type',
    [
      'text/plain',
      'application/xml',
      'application/json; charset=latin1',
      'multipart/form-data',
      '\xff',
      '',
      'application/json;',
      'application/merge-patch+json',
    ],
  ],
  ['content-encoding', ['gzip', 'br', 'deflate', 'identity', 'nonsense']],
  [
    'accept',
    [
      'text/html',
      'image/png',
      '*/*;q=0',
      'application/json;q=2',
      'nonsense',
      'application/xml, */*;q=0.1',
      'text/event-stream',
    ],
  ],
  ['x-request-id', ['', 'a'.repeat(300), '\xe9\xe9', '../../etc', '<b>', '{}']],
  [
    'traceparent',
    ['00-0-0-00', '00-00000000000000000000000000000000-0000000000000000-00', '\xff', 'ff'.repeat(100)],
  ],
  ['idempotency-key', ['', ' ', 'a'.repeat(256), '\xe9', '\xed\xa0\x80', '"quoted"']],
  ['authorization', ['Basic eDp5', 'Bearer ', 'Bearer a.b.c', '\xff']],
  ['if-none-match', ['*', 'W/"x"']],
  ['range', ['bytes=0-1', 'bytes=9-1']],
  ['x-forwarded-for', ['1.2.3.4, nonsense', '\xff']],
  ['x-http-method-override', ['DELETE']],
  ['cookie', ['a=b; __proto__=c']],
];

/** Texts of a URL, encoded: some are no text at all. */
export const oddInUrl = fc.oneof(
  fc.constantFrom(
    '',
    '%',
    '%zz',
    '%00',
    'a%00b',
    '%ff',
    '%ED%A0%80',
    '%C0%80',
    '%2F',
    '%2e%2e',
    '..',
    '+',
    '%20',
    '%25',
  ),
  fc.constantFrom(
    '0',
    '-1',
    '1e9',
    '0x10',
    'true',
    'null',
    'NaN',
    '1.0',
    '99999999999999999999',
    ',',
    '[]',
    '{}',
    "'",
  ),
  fc.constantFrom('2026-01-01T00:00:00+00:00', '2026-02-30T00:00:00Z', '2026-01-01', 'x'.repeat(2_000)),
  fc.string({ unit: 'binary', maxLength: 20 }).map(encode),
);
