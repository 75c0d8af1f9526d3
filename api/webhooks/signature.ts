import { createHmac, timingSafeEqual } from 'node:crypto';
import { headerOf, type SignatureCheck } from './source.ts';

/** The form of an HMAC-SHA256 in a header. */
export type SignatureForm = {
  /** In lower case. */
  header: string;
  encoding: 'hex' | 'base64';
  /** The text before it, such as `sha256=`. */
  prefix: string;
};

const FORMS = { hex: /^[0-9a-f]{64}$/i, base64: /^[A-Za-z0-9+/]{43}=$/ };

/**
 * Makes the check of an HMAC-SHA256 over the bytes of a body, in constant time. Any of these secrets may have
 * signed it. Of several forms, the first one whose header is present counts.
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
    // All secrets are tried, so that the time does not show which one matched.
    return secrets.map(isOf).includes(true);
  };
}

/** The headers of Standard Webhooks (https://www.standardwebhooks.com). */
export const STANDARD_HEADERS = { id: 'webhook-id', signature: 'webhook-signature' };

const TIMESTAMP_HEADER = 'webhook-timestamp';
const TOLERANCE_SECONDS = 300;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/**
 * Makes the check of a signature of Standard Webhooks that is at most five minutes old. Any of these secrets
 * may have signed it. Throws if a secret is not base64.
 *
 * The library `standardwebhooks` computes the hash in JavaScript. For 10 MB it took 160 ms per secret, even
 * for a sender that knows none; Node's own hash takes 7 ms.
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

/** The signatures of version 1 in the header. While a secret is rotated, there are several. */
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
