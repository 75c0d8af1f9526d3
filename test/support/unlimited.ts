/** The API without rate limits: tests are one client that asks for much at once. */
export const UNLIMITED = {
  RATE_LIMIT_READS: '0',
  RATE_LIMIT_WRITES: '0',
  RATE_LIMIT_WEBHOOKS: '0',
  RATE_LIMIT_BURST: '0',
};
