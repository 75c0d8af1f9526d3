import type { RemoteOptions } from '../connection.ts';
import type { FilterOptions } from '../filters.ts';

/** The change of tasks. */
export type Action = 'cancel' | 'retry';

/** The options of `errand cancel` and `errand retry`, as commander gives them. */
export type OperateOptions = RemoteOptions &
  FilterOptions & {
    all?: boolean;
    dryRun?: boolean;
    limit?: number;
    perSecond?: number;
    canary?: number;
    reason?: string;
    yes?: boolean;
    follow: boolean;
  };
