import type { Received } from '../../fast/contracts/exchange.ts';
import { sending, type Way } from './statuses_sending.ts';

/** A minute may end in between. */
export const overLimit: Way = async (stage, located) => {
  let received: Received[] = [];
  for (let sent = 0; sent < 5 && !received.some(({ status }) => status === 429); sent++) {
    received = await sending('limited')(stage, located);
  }
  return received;
};

/** The pages that anybody may read have a limit of their own, which no setting changes. */
export const overPages: Way = async (stage, located) => {
  let received: Received[] = [];
  for (let sent = 0; sent < 300 && !received.some(({ status }) => status === 429); sent++) {
    received = await sending('limited')(stage, located);
  }
  return received.slice(-1);
};
