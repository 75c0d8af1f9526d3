import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { UsageError } from './exit_codes.ts';

export const DEFAULT_URL = 'http://localhost:8080';

/** The options for the connection to an API. */
export type ConnectionOptions = {
  url?: string | undefined;
  token?: string | undefined;
  apiKey?: string | undefined;
};

/** The options that every command has that talks to an API. */
export type RemoteOptions = ConnectionOptions & { json?: boolean; debug?: boolean };

/** Where the API is, and the credentials for it. */
export type Connection = { baseUrl: string; token?: string; apiKey?: string };

type Environment = Record<string, string | undefined>;

/**
 * Finds the API and the credentials: options first, then the environment, then `.env` of the working folder.
 * Throws UsageError for a value that cannot be used; it never shows a secret.
 */
export function connectionOf(
  options: ConnectionOptions,
  environment: Environment = environmentOf(),
): Connection {
  const baseUrl = checkedUrl(options.url ?? (environment.ERRAND_URL || DEFAULT_URL));
  const given = options.token ?? options.apiKey;
  const { token, apiKey } =
    given === undefined
      ? { token: environment.ERRAND_TOKEN || undefined, apiKey: environment.ERRAND_API_KEY || undefined }
      : options;
  if (token !== undefined && apiKey !== undefined) {
    const [one, other] = given === undefined ? ['ERRAND_TOKEN', 'ERRAND_API_KEY'] : ['--token', '--api-key'];
    throw new UsageError(`${one} and ${other} are both given: give one of them`);
  }
  if (token !== undefined) return { baseUrl, token: checkedSecret(token, 'token') };
  if (apiKey !== undefined) return { baseUrl, apiKey: checkedSecret(apiKey, 'API key') };
  return { baseUrl };
}

/** The environment, with what `.env` adds to it. A variable that is set takes precedence. */
function environmentOf(): Environment {
  return { ...variablesOfFile('.env'), ...process.env };
}

function variablesOfFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch {
    // No file, or none that may be read.
    return {};
  }
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  if (isUsable && url.username === '' && url.password === '') return text.replace(/\/+$/, '');
  if (isUsable)
    throw new UsageError(
      'The URL of the API must not contain a user or a password: use --token or --api-key',
    );
  throw new UsageError(
    `The URL of the API must be like ${DEFAULT_URL} or https://errand.example.com, got ${JSON.stringify(text)} (--url or ERRAND_URL)`,
  );
}

/** `fetch` would show a header that it refuses, so a secret that does not fit into one is refused here. */
function checkedSecret(secret: string, what: string): string {
  if (/^[\x21-\x7E]+$/.test(secret)) return secret;
  throw new UsageError(
    `The ${what} contains a character that it cannot have, such as a blank or a line end: check how it was copied`,
  );
}
