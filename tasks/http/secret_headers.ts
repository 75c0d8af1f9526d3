import { PermanentError } from '../../core/errors.ts';

/** Replaces a secret. */
export const MASK = '***';
/** Shorter words are weak secrets, and would be masked everywhere. */
const SECRET_MIN_LENGTH = 8;
/** The same names as in errand.shown_payload (migrations/functions/shown_payload.sql). */
const SECRET_HEADER = /auth|cookie|token|secret|password|key/i;

/** Whether the name of a header says that its value is a secret, which authenticates a caller. */
export function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name) && name.toLowerCase() !== 'idempotency-key';
}

/** Secrets by their names, as in HTTP_SECRETS. */
export type HttpSecrets = ReadonlyMap<string, { value: string; hosts: readonly string[] }>;

/**
 * The values of the secret headers that a payload refers to, by lower-case name. Throws
 * PermanentError if there is no such secret, or if it is not for the target: otherwise every caller
 * that may submit could have it sent to itself.
 */
export function resolvedSecrets(
  references: Readonly<Record<string, string>>,
  url: URL,
  secrets: HttpSecrets,
): Record<string, string> {
  const resolved = Object.entries(references).map(([header, name]) => {
    const secret = secrets.get(name);
    if (secret === undefined) {
      throw new PermanentError(`HTTP_SECRETS of the runner has no secret ${name}`, {
        code: 'UNKNOWN_SECRET',
      });
    }
    if (!secret.hosts.includes(url.hostname) && !secret.hosts.includes(url.host)) {
      const message = `The secret ${name} is not for ${url.host}: HTTP_SECRETS of the runner lists the hosts that may receive it`;
      throw new PermanentError(message, { code: 'SECRET_NOT_FOR_HOST' });
    }
    return [header.toLowerCase(), secret.value];
  });
  return Object.fromEntries(resolved);
}

/** A sent request, whose secrets a target may echo. */
type Sent = { headers: Record<string, string>; referred: readonly string[] };

/** The text without the values of the request's secret headers, in case the target echoes them. */
export function withoutSecrets(text: string, sent: Sent): string {
  let masked = text;
  for (const word of secretWords(sent)) masked = masked.replaceAll(word, MASK);
  return masked;
}

/** The same for bytes; headers are sent in Latin-1. */
export function bytesWithoutSecrets(bytes: Buffer, sent: Sent): Buffer {
  const isThere = secretWords(sent).some((word) => bytes.includes(Buffer.from(word, 'latin1')));
  return isThere ? Buffer.from(withoutSecrets(bytes.toString('latin1'), sent), 'latin1') : bytes;
}

/**
 * The single words, because a target may show a token without its scheme, or one cookie of many.
 */
function secretWords({ headers, referred }: Sent): string[] {
  return Object.entries(headers)
    .filter(([name]) => isSecretHeader(name) || referred.includes(name))
    .flatMap(([, value]) => value.split(/[\s;,=]+/))
    .filter((word) => word.length >= SECRET_MIN_LENGTH);
}
