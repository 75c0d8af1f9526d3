import { z } from 'zod';
import { field, into, type Row } from '../row.ts';

const UUID4 = '9b2fa0a6-6b3f-4d3e-9f0a-3f1f3f1c2b4d';
const UUID7 = '01931b66-7f6a-7c3b-8d1e-0a1b2c3d4e5f';

/** Each format that Zod knows. */
export const FORMATS: Row[] = [
  field('e-mail', () => z.email(), {
    fits: ['a@b.co', "o'neill+x@mail.example.com"],
    refused: ['nope', 'a@b', 'ü@example.com', 'a@b.co ', '', 5],
  }),
  field('e-mail, as Unicode', () => z.email({ pattern: z.regexes.unicodeEmail }), {
    fits: ['ü@example.com', 'a@localhost'],
    refused: ['nope', 'a b@c'],
  }),
  field('e-mail, as in HTML', () => z.email({ pattern: z.regexes.html5Email }), {
    fits: ['a@localhost', 'a.@b'],
    refused: ['ü@example.com', 'nope', '@b'],
  }),
  field('e-mail, by RFC 5322', () => z.email({ pattern: z.regexes.rfc5322Email }), {
    fits: ['"a b"@c.de', 'a@[1.2.3.4]'],
    refused: ['a b@c.de', 'a@b'],
  }),
  field('URL', () => z.url(), {
    fits: [
      'https://exämple.com/ä',
      'https://a.com/?q=a|b',
      'https://example.com/{id}',
      'http://localhost:80',
      'mailto:a@b.co',
    ],
    refused: ['nope', '//a.com', '', 5],
  }),
  field('URL of a host and a protocol', () => z.url({ protocol: /^https$/, hostname: /\.example$/ }), {
    fits: ['https://a.example/x y'],
    refused: ['http://a.example', 'https://a.com', 'nope'],
  }),
  field('URL that is normalised', () => z.url({ normalize: true }), {
    fits: [into('HTTPS://Example.COM', 'https://example.com/')],
    refused: ['nope'],
  }),
  field('URL of the web', () => z.httpUrl(), {
    fits: ['https://example.com/a|b', 'http://a.co'],
    refused: ['ftp://example.com', 'http://localhost', 'nope'],
  }),
  field('UUID', () => z.uuid(), {
    fits: [UUID4, UUID7, '00000000-0000-0000-0000-000000000000', UUID4.toUpperCase()],
    refused: [UUID4.replaceAll('-', ''), `urn:uuid:${UUID4}`, '', 1],
  }),
  field('UUID of version 4', () => z.uuidv4(), { fits: [UUID4], refused: [UUID7, 'x'] }),
  field('UUID of version 7', () => z.uuidv7(), { fits: [UUID7], refused: [UUID4, ''] }),
  field('GUID', () => z.guid(), {
    fits: [UUID4, '12345678-1234-0000-0000-123456789012'],
    refused: ['12345678', `{${UUID4}}`],
  }),
  field('IPv4', () => z.ipv4(), {
    fits: ['127.0.0.1', '0.0.0.0'],
    refused: ['256.1.1.1', '1.2.3', '::1', '01.2.3.4'],
  }),
  field('IPv6', () => z.ipv6(), {
    fits: ['::1', '::ffff:127.0.0.1', '2001:db8::1', 'FE80::1'],
    refused: ['127.0.0.1', ':::1', 'fe80::1%eth0', 'g::1'],
  }),
  field('CIDR of IPv4', () => z.cidrv4(), {
    fits: ['10.0.0.0/8'],
    refused: ['10.0.0.0', '10.0.0.0/33', '/8'],
  }),
  field('CIDR of IPv6', () => z.cidrv6(), {
    fits: ['2001:db8::/32', '::/0'],
    refused: ['::/129', '::1', '10.0.0.0/8'],
  }),
  field('MAC', () => z.mac(), {
    fits: ['00:1a:2b:3c:4d:5e', '00:1A:2B:3C:4D:5E'],
    refused: ['00-1a-2b-3c-4d-5e', '00'],
  }),
  field('host name', () => z.hostname(), { fits: ['localhost', 'a.example'], refused: ['-a', 'a b', ''] }),
  field('ISO date-time', () => z.iso.datetime(), {
    fits: ['2026-11-29T10:00:00Z', '2026-11-29T10:00:00.123456Z', '2024-02-29T00:00:00Z'],
    refused: ['2026-11-29T10:00:00+01:00', '2026-11-29T10:00:00', '2026-02-29T00:00:00Z', '2026-11-29', 5],
  }),
  field('ISO date-time with an offset', () => z.iso.datetime({ offset: true }), {
    fits: ['2026-11-29T10:00:00+01:00', '2026-11-29T10:00:00Z'],
    refused: ['2026-11-29T10:00:00', '2026-11-29T10:00:00+25:00', '2026-11-29T10:00:00+0100'],
  }),
  field('ISO date-time without a zone', () => z.iso.datetime({ local: true }), {
    fits: ['2026-11-29T10:00', '2026-11-29T10:00:00', '2026-11-29T10:00:00Z'],
    refused: ['2026-11-29T24:00', '2026-11-29'],
  }),
  field('ISO date-time to the millisecond', () => z.iso.datetime({ precision: 3 }), {
    fits: ['2026-11-29T10:00:00.123Z'],
    refused: ['2026-11-29T10:00:00Z', '2026-11-29T10:00:00.1234Z'],
  }),
  field('ISO date', () => z.iso.date(), {
    fits: ['2026-11-29', '0000-01-01'],
    refused: ['2026-02-30', '2026-1-1', '29.11.2026'],
  }),
  field('ISO time', () => z.iso.time(), {
    fits: ['10:00', '10:00:00', '23:59:59.999'],
    refused: ['24:00', '10:00:00Z', '10:60'],
  }),
  field('ISO time to the minute', () => z.iso.time({ precision: -1 }), {
    fits: ['10:00'],
    refused: ['10:00:00', '10'],
  }),
  field('ISO duration', () => z.iso.duration(), {
    fits: ['P1Y2M3DT4H5M6S', 'PT0.5S', 'PT0,5S', 'P1W', 'P0D'],
    refused: ['P', 'PT', '1D', 'P-1D', 'P1WT1H'],
  }),
  field('Base64', () => z.base64(), {
    fits: ['', 'YQ==', 'YWI=', 'YWJj'],
    refused: ['YQ', 'Y', 'YQ=', 'Y_-='],
  }),
  field('Base64 for URLs', () => z.base64url(), { fits: ['', 'YQ', 'Y_-a'], refused: ['YQ==', 'Y+/a'] }),
  field('phone number by E.164', () => z.e164(), {
    fits: ['+491701234567'],
    refused: ['0170', '+0123456789', '+49 170'],
  }),
  field('emoji', () => z.emoji(), { fits: ['😀', '👨‍👩‍👧', '🇩🇪'], refused: ['a', '1', ''] }),
  field('CUID', () => z.cuid(), { fits: ['cjld2cjxh0000qzrmn831i7rn'], refused: ['djld2cjxh', ''] }),
  field('CUID2', () => z.cuid2(), { fits: ['tz4a98xxat96iws9zmbrgj3a'], refused: ['A-b', ''] }),
  field('ULID', () => z.ulid(), {
    fits: ['01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    refused: ['81ARZ3NDEKTSV4RRFFQ69G5FAV', '01'],
  }),
  field('nanoid', () => z.nanoid(), { fits: ['V1StGXR8_Z5jdHi6B-myT'], refused: ['V1StGXR8', ''] }),
  field('XID and KSUID', () => z.union([z.xid(), z.ksuid()]), {
    fits: ['9m4e2mr0ui3e8a215n4g', '0o5Fs0EELR0fUjHjbCnEtdUwQe3'],
    refused: ['x', ''],
  }),
  field('JWT', () => z.jwt(), {
    fits: ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2ln'],
    refused: ['a.b.c', 'eyJhbGciOiJIUzI1NiJ9', ''],
  }),
  field('hash', () => z.hash('md5'), {
    fits: ['d41d8cd98f00b204e9800998ecf8427e'],
    refused: ['d41d8cd98f00b204e9800998ecf8427', 'x'],
  }),
  field('hexadecimal digits', () => z.hex(), { fits: ['', 'aF09'], refused: ['0x1', 'g'] }),
  field('IBAN', () => z.iban(), {
    fits: ['DE89370400440532013000'],
    refused: ['DE88370400440532013000', 'DE'],
  }),
  field('credit card', () => z.creditCard(), {
    fits: ['4111 1111 1111 1111'],
    refused: ['4111 1111 1111 1112', '4'],
  }),
  field('currency', () => z.currencyCode(), { fits: ['EUR', 'CHF'], refused: ['eur', 'XYZ', ''] }),
  field('own format by pattern', () => z.stringFormat('plate', /^[A-Z]{1,3}-\d+$/), {
    fits: ['HH-1'],
    refused: ['hh-1', ''],
  }),
  field('own format by function', () => z.stringFormat('even', (text) => text.length % 2 === 0), {
    fits: ['', 'ab'],
    refused: ['a', 2],
  }),
];
