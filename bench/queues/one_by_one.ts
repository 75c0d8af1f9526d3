/** How many tasks are on their way into a queue at a time when each comes by itself. */
export const CALLERS = 32;
