import { z } from 'zod';

/** A task that can be submitted, with a payload to try. `isOwn`: of the project, not shipped with Errand. */
const taskSchema = z.object({ name: z.string(), example: z.unknown(), isOwn: z.boolean() });
export type SubmittedTask = z.output<typeof taskSchema>;

/** The report of a child that is ready: the port of its HTTP server, and the tasks that an API takes. */
export const announcementSchema = z.object({
  listening: z.int(),
  tasks: z.array(taskSchema).default([]),
});
export type Announcement = z.output<typeof announcementSchema>;
