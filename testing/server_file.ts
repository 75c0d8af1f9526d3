import { z } from 'zod';

/** In the folder of a keeper: the file that says where its server is, or why there is none. */
export const SERVER_FILE = 'server.json';
/** In the same folder: the data and the log of the server. */
export const STATE_FOLDER = 'server';

/** The content of that file. */
export const serverFileSchema = z.union([
  z.strictObject({ url: z.string() }),
  z.strictObject({ error: z.string() }),
]);
