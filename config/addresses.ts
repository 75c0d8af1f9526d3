import { z } from 'zod';

/** The parts of a comma-separated text, without the spaces around them. */
export function listOf(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

const NAME = '([A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+\\])';

/** Host names or addresses, comma-separated. */
export const hostNames = z
  .string()
  .regex(new RegExp(`^\\s*${NAME}(\\s*,\\s*${NAME})*\\s*$`))
  .meta({ examples: ['errand.example.com,10.0.0.5'] })
  .transform((text) => listOf(text.toLowerCase()))
  .optional();

const ORIGIN = 'https?:\\/\\/[^\\s\\/,?#@*]+';

/** Origins, comma-separated. An origin that a browser never sends (with a path, or with `*`) is refused. */
export const origins = z
  .string()
  .regex(new RegExp(`^${ORIGIN}(\\s*,\\s*${ORIGIN})*$`, 'i'))
  .meta({ examples: ['https://app.example.com,https://ops.example.com'] })
  .refine((text) => listOf(text).every(isOrigin))
  .default('http://localhost:5173')
  .transform(listOf);

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text.toLowerCase();
}

/** The URL under which callers reach the API: http(s), without a trailing slash. */
export const publicUrl = z
  .string()
  .regex(/^https?:\/\/[^\s?#@<>"\\]+$/)
  .meta({ examples: ['https://example.com/queue'] })
  .refine((text) => URL.canParse(text) && isPlain(new URL(text).pathname))
  .transform((text) => new URL(text).href.replace(/\/$/, ''))
  .optional();

/** Proxies and clients treat empty path segments differently, so a path must have none. */
function isPlain(path: string): boolean {
  return !path.includes('//');
}
