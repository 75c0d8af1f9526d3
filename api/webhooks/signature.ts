import { createHmac, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
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

/**
 * Checks a signature of Standard Webhooks, made with any of these secrets within the last five minutes. Throws when a secret
 * is no base64.
 */
export function standardCheck(secrets: readonly string[]): SignatureCheck {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return (headers, bytes) => {
    const single = Object.fromEntries(
      Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
    return webhooks.map((webhook) => isVerified(webhook, bytes, single)).includes(true);
  };
}

function isVerified(webhook: Webhook, bytes: Buffer, headers: Record<string, string>): boolean {
  try {
    // Parsing is for later: what is signed may still be no JSON, which is another answer.
    webhook.verify(bytes, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}
