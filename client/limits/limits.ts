import { toCamelCase } from '../camel_case.ts';
import type { CallOptions } from '../requests/options.ts';
import { pages } from '../requests/pages.ts';
import type { Transport } from '../requests/transport.ts';
import type { OperateOptions } from '../tasks.ts';
import type { ChangedLimit, LimitRecord, LimitSummary } from './records.ts';

export type ListLimitsOptions = CallOptions & {
  /** Limits of this namespace, and those that its definitions share. */
  namespace?: string | undefined;
  paused?: boolean | undefined;
  /** Whether tasks wait for it. */
  waiting?: boolean | undefined;
  /** How many limits one request fetches. The default is 100, which is the maximum. */
  pageSize?: number | undefined;
};

export type GetLimitOptions = CallOptions & {
  /** Only this key, also if nothing uses it. */
  key?: string | undefined;
  /** At most so many keys. The default is 20, the maximum 100. */
  keyCount?: number | undefined;
};

/** The operations of limits. Every call may throw an ErrandError, or the reason of an aborted signal. */
export type Limits = {
  /** Gives all matching limits, by name. Fetches pages as they are consumed. */
  list(options?: ListLimitsOptions): AsyncGenerator<LimitSummary, void, undefined>;
  /** Reads a limit with its busiest keys, the tasks that hold it and those that wait. */
  get(name: string, options?: GetLimitOptions): Promise<LimitRecord>;
  /**
   * Sets the value in place of the declared one, until `reset`, also over deployments. Null: no limit. Those that
   * wait start at once if it is larger.
   */
  set(name: string, limit: number | null, options?: OperateOptions): Promise<ChangedLimit>;
  /** Nothing starts under it until it is resumed. */
  pause(name: string, options?: OperateOptions): Promise<ChangedLimit>;
  resume(name: string, options?: OperateOptions): Promise<ChangedLimit>;
  /** Removes what operators have set: the declared value holds again, and it is not paused. */
  reset(name: string, options?: OperateOptions): Promise<{ name: string; changed: boolean; message: string }>;
};

/** Makes the operations of limits over a connection to the API. */
export function createLimits(transport: Transport): Record<keyof Limits, unknown> {
  const pathOf = (name: string): string => `/v1/limits/${encodeURIComponent(name)}`;
  const change = async (name: string, body: object, { signal, reason }: OperateOptions = {}) => {
    const answer = await transport.send({
      method: 'PUT',
      path: pathOf(name),
      body: JSON.stringify({ ...body, reason }),
      signal,
      repeatable: true,
    });
    const { limit, ...rest } = toCamelCase(answer.body) as { limit: object };
    return { ...limit, ...rest };
  };
  return {
    list: ({ signal, pageSize = 100, ...filter }: ListLimitsOptions = {}) =>
      pages(transport, '/v1/limits', 'limits', { ...filter, page_size: pageSize }, signal),
    get: async (name: string, { signal, key, keyCount }: GetLimitOptions = {}) => {
      const query = { key, key_count: keyCount };
      return toCamelCase((await transport.send({ method: 'GET', path: pathOf(name), query, signal })).body);
    },
    set: (name: string, limit: number | null, options?: OperateOptions) => change(name, { limit }, options),
    pause: (name: string, options?: OperateOptions) => change(name, { paused: true }, options),
    resume: (name: string, options?: OperateOptions) => change(name, { paused: false }, options),
    reset: async (name: string, { signal, reason }: OperateOptions = {}) => {
      const query = { reason };
      const { body } = await transport.send({
        ...{ method: 'DELETE', path: pathOf(name), query, signal, repeatable: true },
      });
      return toCamelCase(body);
    },
  };
}
