import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { Agent } from 'undici';
import { PermanentError } from '../../core/errors.ts';
import { addressKind } from '../../core/network/address.ts';

/** Resolves a name to all its addresses, like `dns.lookup` with `all: true`. */
export type Lookup = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

export type TargetOptions = {
  /** Whether private, loopback and link-local addresses may be called. */
  allowPrivate: boolean;
  lookup?: Lookup;
};

const CONNECT_TIMEOUT_MS = 10_000;
/** An idle connection is kept at most this long, whatever the target proposes. */
const KEEP_ALIVE_MAX_MS = 10_000;

/**
 * Gives the same undici Agent each time. It is made at the first: undici is a tenth of the code that a
 * runner loads, and many runners never send anything. The Agent connects only to public addresses,
 * unless `allowPrivate`. Names are checked where the socket resolves them, so the checked address is
 * the one that is connected to, and a DNS server gains nothing by changing its answer. A refusal is a
 * PermanentError with the code PRIVATE_TARGET.
 */
export function guardedAgent(options: TargetOptions): () => Promise<Agent> {
  let agent: Promise<Agent> | undefined;
  return () => {
    agent ??= makeAgent(options);
    return agent;
  };
}

async function makeAgent({ allowPrivate, lookup = systemLookup }: TargetOptions): Promise<Agent> {
  const { Agent, buildConnector } = await import('undici');
  const connect = buildConnector({
    // HTTP/1.1 only: if a body is cut, the closed connection is not shared.
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    lookup: guardedLookup(lookup, allowPrivate),
  });
  return new Agent({
    // No limit of connections per target: RUNNER_CONCURRENCY is one. A second queue here would only
    // let requests time out before they are sent.
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    connect: (options, callback) => {
      const refusal = allowPrivate ? null : refusalOf(options.hostname, literal(options.hostname));
      if (refusal === null) connect(options, callback);
      // Never in the same tick: undici is still setting up when it calls us.
      else queueMicrotask(() => callback(refusal, null));
    },
  });
}

/** A host of a URL that is an address already is never looked up. */
function literal(hostname: string): string[] {
  return isIP(hostname) === 0 ? [] : [hostname];
}

function guardedLookup(lookup: Lookup, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = error === null ? addresses : [];
      if (first === undefined) return callback(error ?? notFound(hostname), []);
      const resolved = addresses.map(({ address }) => address);
      const refusal = allowPrivate ? null : refusalOf(hostname, resolved);
      if (refusal !== null) return callback(refusal, []);
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/**
 * If one of several addresses is private, the name is refused, since the socket may try each of
 * them.
 */
function refusalOf(host: string, addresses: string[]): PermanentError | null {
  const kind = addresses.map(addressKind).find((found) => found !== 'unicast');
  if (kind === undefined) return null;
  // The address is left out: a caller must not learn what an internal name resolves to.
  return new PermanentError(
    `The target ${host} is not a public address (${kind}). To allow it, set ALLOW_PRIVATE_TARGETS=true on the runner`,
    { code: 'PRIVATE_TARGET', metadata: { host, kind } },
  );
}

function notFound(hostname: string): Error {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
