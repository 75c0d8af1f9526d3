import { exchange as exchangePlain, type Received } from '../../fast/contracts/exchange.ts';
import type { ApiRequest, Located } from '../../fast/contracts/requests.ts';
import { signed } from '../../fast/contracts/signed.ts';
import { requestFor } from '../../fast/contracts/statuses_requests.ts';
import type { Apis, Stage } from './statuses_apis.ts';

/** Makes an operation answer with a status: every answer that it gives must be that one. */
export type Way = (stage: Stage, located: Located) => Promise<Received[]>;
export type Ways = Record<number, Way>;

/** Sends a request, signed if it is to be. */
export const exchange = (base: string, request: ApiRequest): Promise<Received> =>
  exchangePlain(base, signed(request));

/** Says what a body is. */
export const AS_JSON = { 'content-type': 'application/json' };

/** Sends the example of the document, changed, to one of the APIs. */
export function sending(api: keyof Apis, changed: Partial<ApiRequest> = {}): Way {
  return async (stage, located) => [
    await exchange(stage.apis[api], { ...requestFor(located, stage.things), ...changed }),
  ];
}

/** The answers of several ways. */
export function each(...ways: Way[]): Way {
  return async (stage, located) => {
    const received: Received[] = [];
    for (const way of ways) received.push(...(await way(stage, located)));
    return received;
  };
}
