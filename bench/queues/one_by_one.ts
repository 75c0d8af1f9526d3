/** How many submissions run at a time when tasks are submitted one by one. */
export const CALLERS = 32;
