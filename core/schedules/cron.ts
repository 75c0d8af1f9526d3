import { Cron, CronPattern } from 'croner';
import { instantOf, latestReading, zoneName } from './wall_clock.ts';

/**
 * A rule for times, in ms. `next` is the first time after an instant, `latest` the newest one up to it, both
 * null if there is none.
 */
export type Rule = { next(after: number): number | null; latest(until: number): number | null };

/** How all expressions are read. */
export const CRON_OPTIONS = { fixedTimeRule: 'no-wildcard', paused: true, mode: '5-or-6-parts' } as const;

/**
 * The rule that was asked for last: to plan one firing takes several of its times, and reading it is the
 * dearest part.
 */
let recent: { expression: string; zone: string; rule: Rule } | undefined;

/**
 * The times of a cron expression in a zone, up to the year 2999, at which croner stops. Throws if the
 * expression cannot be read, or the zone is not known. Only the last one is kept, because each takes 80 KB.
 */
export function cronRule(expression: string, zone: string): Rule {
  if (recent?.expression !== expression || recent.zone !== zone)
    recent = { expression, zone, rule: readRule(expression, zone) };
  return recent.rule;
}

/**
 * A fixed time is one whose second, minute and hour have neither a wildcard nor a step. Croner gives its
 * readings of the clock, as in UTC, and the zone says when the clock shows them. (Croner's own fixed times
 * leave out those of a gap that ends at midnight, as in America/Nuuk.) Other expressions go by elapsed time:
 * all instants at which the clock shows a reading that fits, once or twice.
 */
function readRule(expression: string, zone: string): Rule {
  // Croner takes '' for the zone of this process, and keeps something for each spelling of a zone.
  const timezone = zoneName(zone);
  if (timezone === null) throw new RangeError(`there is no time zone ${JSON.stringify(zone)}`);
  const { isFixedTime } = new CronPattern(expression, undefined, CRON_OPTIONS);
  if (!isFixedTime) return ruleOf(new Cron(expression, { ...CRON_OPTIONS, timezone }));
  const readings = ruleOf(new Cron(expression, { ...CRON_OPTIONS, utcOffset: 0 }));
  const inZone = (reading: number | null) => (reading === null ? null : instantOf(zone, reading));
  return {
    next: (after) => inZone(readings.next(latestReading(zone, after))),
    latest: (until) => inZone(readings.latest(latestReading(zone, until))),
  };
}

function ruleOf(cron: Cron): Rule {
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null,
    latest: (until) => cron.previousRuns(1, new Date(until + 1))[0]?.getTime() ?? null,
  };
}
