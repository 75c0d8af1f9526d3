import { createHmac, timingSafeEqual } from 'node:crypto';
import { headerOf, type SignatureCheck } from './source.ts';

/** How an HMAC-SHA256 is written in a header. */
export type SignatureForm = {
  /** In lower case. */
  header: string;
  encoding: 'hex' | 'base64';
  /** What stands before it, such as `sha256=`. */
  prefix: string;
};

const FORMS = { hex: /^[0-9a-f]{64}$/i, base64: /^[A-Za-z0-9+/]{43}=$/ };

/**
 * Checks an HMAC-SHA256 over the bytes of a body, made with any of these secrets, in constant time. Of several forms the
 * first whose header is there counts.
 */
export function hmacCheck(secrets: readonly string[], forms: readonly SignatureForm[]): SignatureCheck {
  return (headers, bytes) => {
    const form = forms.find(({ header }) => headers[header] !== undefined);
    if (form === undefined) return false;
    const given = headerOf(headers, form.header) ?? '';
    const text = given.slice(form.prefix.length);
    if (!given.startsWith(form.prefix) || !FORMS[form.encoding].test(text)) return false;
    const digest = Buffer.from(text, form.encoding);
    const isOf = (secret: string): boolean =>
      timingSafeEqual(createHmac('sha256', secret).update(bytes).digest(), digest);
    // Each is tried, so that the time does not tell which it was.
    return secrets.map(isOf).includes(true);
  };
}

/** The headers of Standard Webhooks (https://www.standardwebhooks.com). */
export const STANDARD_HEADERS = { id: 'webhook-id', signature: 'webhook-signature' };

const TIMESTAMP_HEADER = 'webhook-timestamp';
const TOLERANCE_SECONDS = 300;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/**
 * Checks a signature of Standard Webhooks, made with any of these secrets within the last five minutes. Throws when a secret
 * is no base64.
 *
 * The library `standardwebhooks` computes the hash in JavaScript: 10 MB took 160 ms for each secret, before anybody has
 * shown to know one; Node's own takes 7 ms.
 */
export function standardCheck(secrets: readonly string[]): SignatureCheck {
  const keys = secrets.map(keyOf);
  return (headers, bytes) => {
    const id = headerOf(headers, STANDARD_HEADERS.id);
    const timestamp = headerOf(headers, TIMESTAMP_HEADER);
    const given = signaturesOf(headerOf(headers, STANDARD_HEADERS.signature) ?? '');
    if (!id || given.length === 0 || timestamp === undefined || !isRecent(timestamp)) return false;
    const isOf = (key: Buffer): boolean => {
      const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(bytes).digest();
      return given.map((one) => timingSafeEqual(one, digest)).includes(true);
    };
    return keys.map(isOf).includes(true);
  };
}

function keyOf(secret: string): Buffer {
  const text = secret.replace(/^whsec_/, '');
  if (text === '' || !BASE64.test(text)) throw new Error('The secret is not base64');
  return Buffer.from(text, 'base64');
}

/** Those of version 1 in the header, of which there are several while a secret is exchanged. */
function signaturesOf(header: string): Buffer[] {
  return header.split(' ').flatMap((one) => {
    const [version, text = ''] = one.split(',');
    return version === 'v1' && FORMS.base64.test(text) ? [Buffer.from(text, 'base64')] : [];
  });
}

function isRecent(timestamp: string): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  return Math.abs(Math.floor(Date.now() / 1_000) - Number(timestamp)) <= TOLERANCE_SECONDS;
}
