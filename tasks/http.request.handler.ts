import { loadConfig } from '../config/load.ts';
import { defineHandler } from '../core/task.ts';
import { senderFor } from './http/send.ts';
import { httpRequest } from './http.request.task.ts';

/** Sends the request. The configuration is read once, when the first `http.request` runs. */
export default defineHandler(httpRequest, senderFor(loadConfig()));
