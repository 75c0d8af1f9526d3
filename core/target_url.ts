import { z } from 'zod';

/** What a callback goes to: as long as what stands for it in the index of disabled ones may be. */
export const CALLBACK_URL_MAX_LENGTH = 2_048;

/** Where a request can go. */
export const targetUrl = z
  .string()
  .max(8_192)
  .regex(/^[hH][tT][tT][pP][sS]?:\/\/\S+$/, 'must start with http:// or https:// and hold no white space')
  .refine((text) => URL.canParse(text), 'is not a URL')
  .refine(
    (text) => !hasCredentials(text),
    'must not carry credentials: send an authorization header instead',
  );

/** Where a callback can go (specification L5). */
export const callbackUrl = z
  .string()
  .max(CALLBACK_URL_MAX_LENGTH)
  .regex(
    /^[hH][tT][tT][pP][sS]?:\/\/[\x21-\x7e]+$/,
    'must start with http:// or https:// and hold only visible ASCII characters',
  )
  .refine((text) => URL.canParse(text), 'is not a URL')
  .refine((text) => !hasCredentials(text), 'must not carry credentials: what is sent there is signed');

function hasCredentials(text: string): boolean {
  const parsed = URL.parse(text);
  return parsed !== null && (parsed.username !== '' || parsed.password !== '');
}
