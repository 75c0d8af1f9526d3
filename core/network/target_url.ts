import { z } from 'zod';

/** The maximum length of a callback URL. The index of disabled callbacks allows no more. */
export const CALLBACK_URL_MAX_LENGTH = 2_048;

/** The URL of an outgoing request. */
export const targetUrl = z
  .string()
  .max(8_192)
  .regex(/^[hH][tT][tT][pP][sS]?:\/\/\S+$/, 'must start with http:// or https:// and contain no white space')
  .refine((text) => URL.canParse(text), 'is not a URL')
  .refine(
    (text) => !hasCredentials(text),
    'must not contain credentials: send an authorization header instead',
  );

/** The URL of a callback (specification L5). */
export const callbackUrl = z
  .string()
  .max(CALLBACK_URL_MAX_LENGTH)
  .regex(
    /^[hH][tT][tT][pP][sS]?:\/\/[\x21-\x7e]+$/,
    'must start with http:// or https:// and contain only visible ASCII characters',
  )
  .refine((text) => URL.canParse(text), 'is not a URL')
  .refine((text) => !hasCredentials(text), 'must not contain credentials: callbacks are signed instead');

function hasCredentials(text: string): boolean {
  const parsed = URL.parse(text);
  return parsed !== null && (parsed.username !== '' || parsed.password !== '');
}
