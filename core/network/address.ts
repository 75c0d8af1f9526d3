import ipaddr from 'ipaddr.js';

/**
 * This address is a normal unicast address, but answers only inside Azure: its WireServer gives out secrets
 * of the machine.
 */
const CLOUD_INTERNAL = new Set(['168.63.129.16']);
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
/** Only this range is allocated for the public internet. Without the check, `::127.0.0.1` would pass. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

/**
 * The kind of an address. Only `unicast` is public. An IPv6 address that contains an IPv4 address (mapped,
 * NAT64, 6to4) has the kind of that IPv4 address. Throws if the text is not an IP address.
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
 * The kind of the address in a URL's host, or null for a name: its addresses are known only after it is
 * resolved. `localhost` is always the loopback (RFC 6761).
 */
export function literalKind(url: URL): string | null {
  // The URL parser has converted every form of an IPv4 address to four decimal numbers.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  return ipaddr.isValid(host) ? addressKind(host) : null;
}
