import { z } from 'zod';

/** A key that signs callbacks. `namespace` null: for every namespace without its own keys. */
export type SigningSecret = { namespace: string | null; secret: string };

const ONE = '([a-z][a-z0-9_]*=)?whsec_[A-Za-z0-9+\\/]+={0,2}';
/** Standard Webhooks allows 192 to 512 bits. */
const BYTES = { min: 24, max: 64 };

/**
 * Secrets in the form of Standard Webhooks, comma-separated. Each is for all namespaces, or for the one
 * before its `=`.
 */
export const webhookSecrets = z
  .string()
  .regex(new RegExp(`^${ONE}(\\s*,\\s*${ONE})*$`))
  .refine((text) => parse(text).every(({ secret }) => isKey(secret)))
  .meta({ examples: ['whsec_cmVwbGFjZS10aGlzLXdpdGgtYS1zZWNyZXQh'], secret: true })
  .transform(parse);

function parse(text: string): SigningSecret[] {
  return text.split(',').map((part) => {
    const [, namespace = null, secret = ''] = /^(?:(\w+)=)?(whsec_.*)$/.exec(part.trim()) ?? [];
    return { namespace, secret };
  });
}

function isKey(secret: string): boolean {
  const text = secret.slice('whsec_'.length);
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text && bytes.length >= BYTES.min && bytes.length <= BYTES.max;
}

/** The secrets that sign callbacks of a namespace: its own or, if it has none, the general ones. */
export function secretsFor(secrets: readonly SigningSecret[] | undefined, namespace: string): string[] {
  const of = (owner: string | null): string[] =>
    (secrets ?? []).filter((one) => one.namespace === owner).map(({ secret }) => secret);
  const own = of(namespace);
  return own.length > 0 ? own : of(null);
}
