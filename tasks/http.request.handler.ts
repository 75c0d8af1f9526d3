import { loadConfig } from '../config/load.ts';
import { defineHandler } from '../core/task.ts';
import { createSender } from './http/send.ts';
import { httpRequest } from './http.request.task.ts';

/** Sends the request; ALLOW_PRIVATE_TARGETS is read once, when the first `http.request` runs. */
export default defineHandler(httpRequest, createSender({ allowPrivate: loadConfig().ALLOW_PRIVATE_TARGETS }));
