import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector } from 'undici';
import { PermanentError } from '../../core/errors.ts';

/** Resolves a name to all its addresses, as `dns.lookup` does with `all: true`. */
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

/** Unicast by its number, yet it answers only inside Azure: its WireServer hands out a machine's secrets. */
const CLOUD_INTERNAL = new Set(['168.63.129.16']);
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
/** Nothing outside of it is allocated for the public internet; `::127.0.0.1` is one reason to look. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

const CONNECT_TIMEOUT_MS = 10_000;
/** An idle connection is kept at most this long, whatever the target proposes. */
const KEEP_ALIVE_MAX_MS = 10_000;

/**
 * What kind of address this is; `unicast` is the only public one. An IPv6 address that carries an IPv4 one
 * (mapped, NAT64, 6to4) is of the kind of the one that it carries. Throws when it is not an IP address.
 */
export function addressKind(address: string): string {
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return kindOfV4(parsed);
  const bytes = parsed.toByteArray();
  if (parsed.isIPv4MappedAddress() || parsed.match(NAT64, 96)) {
    return kindOfV4(new ipaddr.IPv4(bytes.slice(12)));
  }
  const kind = parsed.range();
  if (kind === '6to4') return kindOfV4(new ipaddr.IPv4(bytes.slice(2, 6)));
  return kind === 'unicast' && !parsed.match(GLOBAL_UNICAST, 3) ? 'reserved' : kind;
}

function kindOfV4(address: ipaddr.IPv4): string {
  return CLOUD_INTERNAL.has(address.toString()) ? 'cloudInternal' : address.range();
}

/**
 * An undici Agent that connects to public addresses only, unless `allowPrivate`. Names are checked where the
 * socket resolves them, so the address that was checked is the one that is connected to, and a DNS server
 * that changes its answer gains nothing. A refusal is a PermanentError with the code PRIVATE_TARGET.
 */
export function guardedAgent({ allowPrivate, lookup = systemLookup }: TargetOptions): Agent {
  const connect = buildConnector({
    // HTTP/1.1 only: cutting a body then closes a connection that nothing else shares.
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    lookup: guardedLookup(lookup, allowPrivate),
  });
  return new Agent({
    // No limit of connections per target: RUNNER_CONCURRENCY is one, and a second queue in here would only
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

/** A URL's host that is an address already is never looked up. */
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

/** Any private address among several refuses the name: the socket may try each of them. */
function refusalOf(host: string, addresses: string[]): PermanentError | null {
  const kind = addresses.map(addressKind).find((found) => found !== 'unicast');
  if (kind === undefined) return null;
  // The address itself stays out of it: a caller is not told what an internal name resolves to.
  return new PermanentError(
    `The target ${host} is not a public address (${kind}). ALLOW_PRIVATE_TARGETS=true on the runner lifts this`,
    { code: 'PRIVATE_TARGET', metadata: { host, kind } },
  );
}

function notFound(hostname: string): Error {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
