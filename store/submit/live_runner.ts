/**
 * The SQL condition that the runner `r` is live: it has not ended, and its lease has not run out by
 * Postgres's clock. Uses runners_live_idx.
 */
export const IS_LIVE = 'r.ended_at is null and r.heartbeat_at >= now() - make_interval(secs => r.lease_secs)';
