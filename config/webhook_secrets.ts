import { z } from 'zod';

/** A key that callbacks are signed with; `namespace` null: those of every namespace that has none of its own. */
export type SigningSecret = { namespace: string | null; secret: string };

const ONE = '([a-z][a-z0-9_]*=)?whsec_[A-Za-z0-9+\\/]+={0,2}';
/** Standard Webhooks: 192 to 512 bits. */
const BYTES = { least: 24, most: 64 };

/** Secrets as Standard Webhooks writes them, comma-separated, each for all namespaces or for the one before its `=`. */
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
  return bytes.toString('base64') === text && bytes.length >= BYTES.least && bytes.length <= BYTES.most;
}

/** What callbacks of a namespace are signed with, each of them: its own secrets, or without any the general ones. */
export function secretsFor(secrets: readonly SigningSecret[] | undefined, namespace: string): string[] {
  const of = (owner: string | null): string[] =>
    (secrets ?? []).filter((one) => one.namespace === owner).map(({ secret }) => secret);
  const own = of(namespace);
  return own.length > 0 ? own : of(null);
}
