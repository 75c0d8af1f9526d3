import type { Config } from './schema.ts';

const LOOPBACK = '127.0.0.1';
const EVERY_ADDRESS = '0.0.0.0';

/** The settings that decide where a process listens. */
export type ListeningSettings = Pick<Config, 'ALLOWED_HOSTS' | 'AUTH_ENABLED' | 'NODE_ENV' | 'SERVER_HOST'>;

/** The address on which a process listens, the reason, and the host names that it accepts. */
export type Listening = {
  host: string;
  /** For the log: the reason, and the setting for another address. */
  why: string;
  /** Accepted host names besides those of loopback. Null: every name is accepted. */
  names: readonly string[] | null;
};

/** Whether callers must authenticate: as AUTH_ENABLED says or, if it is not set, in production. */
export function isAuthenticationOn({ AUTH_ENABLED, NODE_ENV }: ListeningSettings): boolean {
  return AUTH_ENABLED === undefined ? NODE_ENV === 'production' : AUTH_ENABLED === 'true';
}

/**
 * Decides where the API listens. Without authentication, everybody who reaches the API may do everything.
 * Therefore other machines can reach it only if SERVER_HOST is set, and only loopback names and the names in
 * ALLOWED_HOSTS are accepted. This also stops a page whose own host name was changed to point to this machine
 * (DNS rebinding).
 */
export function apiListening(config: ListeningSettings): Listening {
  const isOn = isAuthenticationOn(config);
  const why = isOn ? 'authentication is on' : 'authentication is off';
  const listening = listeningOf(config, isOn, why);
  return { ...listening, names: listening.names ?? config.ALLOWED_HOSTS ?? null };
}

/**
 * Decides where the HTTP server of a runner listens. It has no authentication. In production, probes and
 * Prometheus come from other machines, whose addresses no setting can list.
 */
export function runnerListening(config: ListeningSettings): Listening {
  const isProduction = config.NODE_ENV === 'production' && isAuthenticationOn(config);
  const why = isProduction ? 'NODE_ENV is production' : 'this is not production, or AUTH_ENABLED is false';
  return listeningOf(config, isProduction, why);
}

function listeningOf(config: ListeningSettings, isOpen: boolean, because: string): Listening {
  const host = config.SERVER_HOST ?? (isOpen ? EVERY_ADDRESS : LOOPBACK);
  const names = isLoopback(host) ? (config.ALLOWED_HOSTS ?? []) : null;
  return {
    host,
    names,
    why: config.SERVER_HOST === undefined ? whyUnset(isOpen, because) : 'SERVER_HOST is set',
  };
}

function whyUnset(isOpen: boolean, because: string): string {
  return isOpen
    ? `${because}; to listen on one address only, set SERVER_HOST`
    : `${because}; to let other machines reach it, set SERVER_HOST=${EVERY_ADDRESS}`;
}

/** Whether a host name or address can only mean this machine. */
export function isLoopback(name: string): boolean {
  return /^(([^.]+\.)*localhost\.?|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(name);
}
