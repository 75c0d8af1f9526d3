/** A part of the submissions, which is sent in one request. */
export type Chunk = {
  /** The number of the chunk, from 0. */
  number: number;
  /** The index of its first item among all items. */
  from: number;
  /** The JSON of each item. */
  items: string[];
};

/** The API accepts bodies of 10 MiB. The rest is for the JSON around the items. */
const MAX_BYTES = 10 * 1024 * 1024 - 1_024;

/**
 * Groups items into chunks, limited by number and by the size of a body. It makes one chunk at a time and
 * reads nothing ahead. The same items always give the same chunks. An item that is too large by itself gets
 * its own chunk.
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
