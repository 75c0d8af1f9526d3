/** A part of what is submitted in one request. */
export type Chunk = {
  /** Which one it is, from 0. */
  number: number;
  /** The place of its first item among all. */
  from: number;
  /** The JSON of each item. */
  items: string[];
};

/** The API takes bodies of 10 MiB; the rest is for what is around the items. */
const MAX_BYTES = 10 * 1024 * 1024 - 1_024;

/**
 * Puts items together to chunks of at most so many and of what a body may hold, one at a time: of the source nothing
 * is read ahead. The same items always make the same chunks. An item that is too large by itself is a chunk alone.
 */
export async function* toChunks(
  items: Iterable<string> | AsyncIterable<string>,
  maxItems: number,
): AsyncGenerator<Chunk> {
  const encoder = new TextEncoder();
  let chunk: Chunk = { number: 0, from: 0, items: [] };
  let bytes = 0;
  const startNext = (): void => {
    chunk = { number: chunk.number + 1, from: chunk.from + chunk.items.length, items: [] };
    bytes = 0;
  };
  for await (const item of items) {
    const size = encoder.encode(item).length + 1;
    if (chunk.items.length > 0 && bytes + size > MAX_BYTES) {
      yield chunk;
      startNext();
    }
    chunk.items.push(item);
    bytes += size;
    if (chunk.items.length < maxItems) continue;
    yield chunk;
    startNext();
  }
  if (chunk.items.length > 0) yield chunk;
}
