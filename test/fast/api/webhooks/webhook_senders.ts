import { createHmac, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

// Those who send webhooks, as they do it.

export const SECRETS = {
  gitea: 'gitea-secret-of-the-tests',
  github: 'github-secret-of-the-tests',
  shop: `whsec_${Buffer.from('shop-secret-of-the-tests').toString('base64')}`,
  meter: 'meter-secret-of-the-tests',
};

/** A sender by Standard Webhooks and one with an HMAC of its own. */
export const SOURCES = [
  {
    name: 'shop',
    scheme: 'standard',
    secrets: [SECRETS.shop],
    event: { pointer: '/type' },
    rules: [
      {
        event: 'order.paid',
        task: 'example.echo',
        payload: { message: { $from: '/data/id' }, count: { $from: '/data/count' } },
      },
      { event: 'order.counted', task: 'text.count_words', payload: { $from: '/data' } },
    ],
  },
  {
    name: 'meter',
    scheme: 'hmac',
    secrets: [SECRETS.meter],
    signature_header: 'X-Meter-Signature',
    encoding: 'base64',
    prefix: 'v1=',
    delivery_header: 'X-Meter-Id',
    event: { header: 'X-Meter-Event' },
    rules: [
      { event: 'first', task: 'example.echo', payload: { message: 'first' } },
      {
        event: '*',
        task: 'http.request',
        payload: { url: 'https://example.com/', json: [{ all: { $from: '' } }] },
      },
    ],
  },
] as const;

/** The environment of an API that knows all of them. */
export const SENDERS: Record<string, string> = {
  GITEA_WEBHOOK_SECRET: SECRETS.gitea,
  GITHUB_WEBHOOK_SECRET: SECRETS.github,
  WEBHOOK_SOURCES: JSON.stringify(SOURCES),
};

/** The HMAC-SHA256 of a body. */
export function hmac(secret: string, body: string | Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', secret).update(body).digest(encoding);
}

type Sent = { event?: string; delivery?: string; secret?: string };

/** The headers that Gitea sends with a body. */
export function giteaHeaders(body: string | Uint8Array, sent: Sent = {}): Record<string, string> {
  const { event = 'push', delivery = randomUUID(), secret = SECRETS.gitea } = sent;
  return {
    'content-type': 'application/json',
    'X-Gitea-Delivery': delivery,
    'X-Gitea-Event': event,
    'X-Gitea-Event-Type': event,
    'X-Gitea-Signature': hmac(secret, body),
    'X-Gogs-Delivery': delivery,
    'X-Gogs-Event': event,
    'X-Gogs-Signature': hmac(secret, body),
    'X-Hub-Signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
    'X-Hub-Signature-256': `sha256=${hmac(secret, body)}`,
    'X-GitHub-Delivery': delivery,
    'X-GitHub-Event': event,
    'user-agent': 'Go-http-client/1.1',
  };
}

/** The headers that GitHub sends with a body. */
export function githubHeaders(body: string | Uint8Array, sent: Sent = {}): Record<string, string> {
  const { event = 'push', delivery = randomUUID(), secret = SECRETS.github } = sent;
  return {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/044aadd',
    'X-GitHub-Delivery': delivery,
    'X-GitHub-Event': event,
    'X-GitHub-Hook-ID': '292430182',
    'X-GitHub-Hook-Installation-Target-ID': '79929171',
    'X-GitHub-Hook-Installation-Target-Type': 'repository',
    'X-Hub-Signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
    'X-Hub-Signature-256': `sha256=${hmac(secret, body)}`,
  };
}

/** The headers of Standard Webhooks; `at` is when it was sent. */
export function shopHeaders(
  body: string | Uint8Array,
  { id = randomUUID() as string, at = new Date() } = {},
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(SECRETS.shop).sign(
      id,
      at,
      typeof body === 'string' ? body : Buffer.from(body),
    ),
  };
}

/** The headers of the sender with an HMAC of its own. */
export function meterHeaders(
  body: string | Uint8Array,
  event: string,
  id: string = randomUUID(),
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'X-Meter-Id': id,
    'X-Meter-Event': event,
    'X-Meter-Signature': `v1=${hmac(SECRETS.meter, body, 'base64')}`,
  };
}
