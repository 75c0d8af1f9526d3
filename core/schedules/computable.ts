import { inZone } from './local_time.ts';
import type { Timing } from './settings.ts';
import { nextTime } from './times.ts';

/**
 * Whether the times of a stored timing can be computed here. It was valid when it was stored, but this process may
 * not know its zone, or somebody has written the row by hand.
 */
export function isComputable(timing: Timing): boolean {
  try {
    nextTime(timing, new Date(0));
    inZone(new Date(0), timing.timezone);
    return true;
  } catch {
    return false;
  }
}
