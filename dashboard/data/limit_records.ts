export type Limit = {
  name: string;
  kind: 'concurrency' | 'rate';
  is_keyed: boolean;
  rate: {
    period_seconds: number;
    burst: number | null;
    window_seconds: number;
    starts: number;
    starts_is_capped: boolean;
  } | null;
  limit: number | null;
  paused: boolean;
  declared: number | null;
  definitions: string[];
  setting: {
    has_limit: boolean;
    actor: string | null;
    at: string;
    reason: string | null;
  } | null;
  holders: number;
  holders_is_capped: boolean;
  waiters: number;
  waiters_is_capped: boolean;
  oldest_waiter_since: string | null;
};

export type LimitKey = {
  key: string;
  holders: number;
  holders_is_capped: boolean;
  waiters: number;
  waiters_is_capped: boolean;
  starts: number | null;
  next_start_at: string | null;
};

export type LimitTask = { id: string; name: string; key: string; since: string };

export type LimitRecord = Limit & {
  keys: LimitKey[];
  keys_is_capped: boolean;
  keys_are_hidden: boolean;
  holding: LimitTask[];
  waiting: LimitTask[];
};
