/** Switches off the rate limits of the API: tests are one client that sends many requests. */
export const UNLIMITED = {
  RATE_LIMIT_READS: '0',
  RATE_LIMIT_WRITES: '0',
  RATE_LIMIT_WEBHOOKS: '0',
  RATE_LIMIT_BURST: '0',
};
