import { toCamelCase } from '../camel_case.ts';
import type { Query } from './exchange.ts';
import type { Transport } from './transport.ts';

/** The entries under `key` of all pages of a list. Each page continues after the last entry of the one before. */
export async function* pages(
  transport: Transport,
  path: string,
  key: string,
  query: Query,
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown> {
  let cursor: string | undefined;
  do {
    const { body } = await transport.send({
      method: 'GET',
      path,
      query: { ...query, cursor },
      signal,
      keepsTrying: cursor !== undefined,
    });
    const page = body as { [key: string]: unknown[] } & { next_cursor: string | null };
    for (const entry of page[key] ?? []) yield toCamelCase(entry);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
