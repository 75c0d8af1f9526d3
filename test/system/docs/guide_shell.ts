import { succeed } from '../../support/checkout/newcomer.ts';

/** A shell in which the commands of a document run, with `localhost:8080` standing for an API that a test started. */
export type GuideShell = {
  /** Runs the lines of a block in one shell. Gives what they wrote; throws that if the last one fails. */
  run(lines: string): Promise<string>;
  /** The same of a block that ends with one JSON text. */
  json(lines: string): Promise<unknown>;
};

export function shellFor(apiUrl: string, folder: string): GuideShell {
  const { host } = new URL(apiUrl);
  const run = (lines: string): Promise<string> =>
    succeed(`sh -c '${lines.replaceAll('localhost:8080', host).replaceAll("'", `'\\''`)}'`, folder);
  return { run, json: async (lines) => JSON.parse(await run(lines)) as unknown };
}
