import { z } from 'zod';
import { listErrorGroups } from '../../store/errors.ts';
import type { Operation } from '../call.ts';
import { visibleNamespaces } from '../filter.ts';
import { parseQuery } from '../request.ts';

const querySchema = z.object({ name: z.string().optional(), namespace: z.string().optional() });

/** `GET /v1/errors`: what tasks are failed with now, by kind of trouble. */
export const listErrors: Operation = async (call, request, response) => {
  const { name, namespace } = parseQuery(querySchema, request);
  const namespaces = visibleNamespaces(call, namespace);
  const { groups, more } = await listErrorGroups(call.reads, { name, namespaces });
  response.json({ groups, is_truncated: more });
};
