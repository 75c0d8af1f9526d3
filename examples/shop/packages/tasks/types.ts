import type { TasksOf } from 'errand/client';
import type { send } from './mail/mail.send.task.ts';
import type { place } from './orders/orders.place.workflow.ts';
import type { reserve } from './orders/orders.reserve.task.ts';
import type { nightly } from './reports/reports.nightly.task.ts';

/** The tasks of the shop, for typed clients: names, payloads and results. */
export type Tasks = TasksOf<readonly [typeof place, typeof reserve, typeof send, typeof nightly]>;
