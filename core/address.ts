import ipaddr from 'ipaddr.js';

/** Unicast by its number, yet it answers only inside Azure: its WireServer hands out a machine's secrets. */
const CLOUD_INTERNAL = new Set(['168.63.129.16']);
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
/** Nothing outside of it is allocated for the public internet; `::127.0.0.1` is one reason to look. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

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
 * The kind of the address that stands as the host of a URL, or null when that is a name: what a name leads to is known
 * when it is resolved. `localhost` is no secret (RFC 6761).
 */
export function literalKind(url: URL): string | null {
  // The URL parser has made four decimal numbers of whatever may be written for an IPv4 address.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  return ipaddr.isValid(host) ? addressKind(host) : null;
}
