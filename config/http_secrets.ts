import { z } from 'zod';

/** A secret value for requests, and the hosts that may receive it: `api.example.com`, or with a port. */
export type HttpSecret = { value: string; hosts: string[] };

const schema = z.record(
  z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/),
  z.strictObject({
    // The characters of a header value.
    value: z
      .string()
      .min(1)
      .max(8_192)
      .regex(/^[\t\x20-\x7e\x80-\xff]*$/),
    hosts: z.array(z.string().regex(/^[a-z0-9.[\]:-]+$/)).min(1),
  }),
);

/** Secrets as JSON, by the names that payloads of `http.request` use. Messages never show the value. */
export const httpSecrets = z
  .string()
  .refine((text) => schema.safeParse(parsed(text)).success)
  .meta({ examples: ['{"SHOP":{"value":"Bearer a-token","hosts":["api.shop.example.com"]}}'], secret: true })
  .transform((text) => new Map<string, HttpSecret>(Object.entries(schema.parse(parsed(text)))));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
