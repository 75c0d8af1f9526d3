import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { isLoopback } from '../config/listening.ts';
import { messageOf } from '../process/start.ts';
import { type Finding, warning } from './finding.ts';

const CONNECT_TIMEOUT_MS = 3_000;

/** An address of the server's name, and why it can't be reached; null if it can. */
export type Tried = { address: string; failure: string | null };

/**
 * Connects to each address of the host, without speaking to it. Empty for a socket of this machine
 * and for a name of loopback, which may have an address on which nobody listens. Throws if the name
 * has no address.
 */
export async function tryAddresses(host: string, port: number): Promise<Tried[]> {
  if (host.startsWith('/') || isLoopback(host)) return [];
  const found = await lookup(host, { all: true });
  const addresses = [...new Set(found.map(({ address }) => address))];
  return Promise.all(
    addresses.map(async (address) => ({ address, failure: await whyUnreachable(address, port) })),
  );
}

function whyUnreachable(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (failure: string | null): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(`no answer within ${CONNECT_TIMEOUT_MS / 1_000} s`));
    socket.once('connect', () => end(null));
    socket.once('error', (error) => end(messageOf(error)));
  });
}

/** Judges a host with several addresses of which some can't be reached: a process may take one of these first. */
export function judgeAddresses(host: string, tried: readonly Tried[]): Finding[] {
  return tried.flatMap(({ address, failure }) =>
    failure === null
      ? []
      : [
          warning('address_unreachable', {
            subject: address,
            message: `${address}, one of ${tried.length} addresses of ${host}, can't be reached: ${failure}`,
            remedy:
              'Correct the name in DNS, or start the server there. A process that takes this address first starts late or not at all',
          }),
        ],
  );
}
