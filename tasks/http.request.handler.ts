import { loadConfig } from '../config/load.ts';
import { defineHandler } from '../core/task.ts';
import { createSender } from './http/send.ts';
import { httpRequest } from './http.request.task.ts';

const config = loadConfig();

/** Sends the request. The configuration is read once, when the first `http.request` runs. */
export default defineHandler(
  httpRequest,
  createSender({ allowPrivate: config.ALLOW_PRIVATE_TARGETS, secrets: config.HTTP_SECRETS ?? new Map() }),
);
