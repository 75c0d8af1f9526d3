/**
 * Why a time of a schedule was not submitted, as stored in errand.schedule_runs. `overlap`: an earlier run
 * had not ended. `missed`: it was late, and its catch-up leaves it out. `replaced`: it waited for a run to
 * end, and a newer time took its place.
 */
export const SKIP_REASONS = ['overlap', 'missed', 'paused', 'broken', 'replaced'] as const;

export type SkipReason = (typeof SKIP_REASONS)[number];
