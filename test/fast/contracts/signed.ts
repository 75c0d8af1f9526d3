import { randomUUID } from 'node:crypto';
import { giteaHeaders, githubHeaders, meterHeaders, shopHeaders } from '../api/webhooks/webhook_senders.ts';
import { textOf } from './mutations.ts';
import type { ApiRequest } from './requests.ts';

const PATH = /^\/v1\/webhooks\/(\w+)\/?$/i;
const SIGNATURE = /signature/i;

/** Whether an operation asks for the signature of a sender, and for no other credentials. */
export function isSigned({ path }: { path: string }): boolean {
  return path.startsWith('/v1/webhooks/');
}

/** A request as its sender signs it, when it is a webhook of one; what it has of these headers stays. */
export function signed(request: ApiRequest): ApiRequest {
  const [, sender = ''] = PATH.exec(request.path) ?? [];
  const own = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const added = Object.entries(headersOf(sender.toLowerCase(), request, own)).filter(
    ([name]) => !(name.toLowerCase() in own) && name !== 'content-type',
  );
  return { ...request, headers: { ...Object.fromEntries(added), ...request.headers } };
}

/** The same with no signature but that of its sender, wherever it comes from. */
export function wellSigned(request: ApiRequest): ApiRequest {
  const others = Object.entries(request.headers).filter(([name]) => !SIGNATURE.test(name));
  return signed({ ...request, headers: Object.fromEntries(others) });
}

function headersOf(sender: string, request: ApiRequest, own: Record<string, string>): Record<string, string> {
  const body = textOf(request) ?? '';
  switch (sender) {
    case 'gitea':
      return giteaHeaders(body);
    case 'github':
      return githubHeaders(body);
    case 'meter':
      return meterHeaders(body, 'first');
    case 'shop': {
      const { 'content-type': _type, ...headers } = shopHeaders(body, {
        id: own['webhook-id'] ?? randomUUID(),
      });
      return headers;
    }
    default:
      return {};
  }
}
