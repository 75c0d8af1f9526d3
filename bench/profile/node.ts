import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const ROOT = pathToFileURL(join(import.meta.dirname, '..', '..')).href;

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
      children: z.array(z.number()).default([]),
    }),
  ),
  /** In µs of the clock of process.hrtime, which all processes of a machine share. */
  startTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** The used part of the output of `node --cpu-prof`. */
export type CpuProfile = z.output<typeof profileSchema>;

/** A span of the clock of process.hrtime, in µs. */
export type Span = { from: number; to: number };

/** CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile; the main thread is 0. */
const OF_MAIN_THREAD = /\.0\.\d+\.cpuprofile$/;

/**
 * Reads the profile of the one process that wrote into a directory: of its main thread, because a thread that
 * keeps the lease writes one too. Throws if there is not exactly one.
 */
export async function readProfile(directory: string): Promise<CpuProfile> {
  const [file, ...others] = (await readdir(directory)).filter((name) => OF_MAIN_THREAD.test(name));
  if (file === undefined || others.length > 0)
    throw new Error(
      `Expected the profile of one process, but found ${others.length + Number(file !== undefined)}`,
    );
  return profileSchema.parse(JSON.parse(await readFile(join(directory, file), 'utf8')));
}

/**
 * The share of its busy time in a span that the process spent in each place: a folder of this
 * repository or a package, including what Node does for it; the garbage collection; or Node itself.
 */
export function sharesByPlace(profile: CpuProfile, { from, to }: Span): Map<string, number> {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children }) => children.map((child) => [child, id])));
  const placeOfNode = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const place = placeOf(nodes.get(at)?.callFrame);
      if (place !== null) return place;
    }
    return 'Node';
  };
  const times = new Map<string, number>();
  let now = profile.startTime;
  profile.samples.forEach((id, index) => {
    const passed = profile.timeDeltas[index] ?? 0;
    now += passed;
    const place = placeOfNode(id);
    if (now >= from && now <= to && place !== IDLE) times.set(place, (times.get(place) ?? 0) + passed);
  });
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return new Map([...times].map(([place, time]) => [place, time / total]));
}

const IDLE = '(idle)';

/** Null: the place of the caller counts. */
function placeOf(frame: { functionName: string; url: string } | undefined): string | null {
  if (frame === undefined || frame.functionName === IDLE) return frame?.functionName ?? null;
  if (frame.functionName === '(garbage collector)') return 'garbage collection';
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(frame.url)?.[1];
  if (dependency !== undefined) return dependency;
  return frame.url.startsWith(ROOT) ? `${frame.url.slice(ROOT.length + 1).split('/')[0]}/` : null;
}
