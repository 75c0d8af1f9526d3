const MAX_PAGE = 100;

/** A page: its rows, and the cursor of the next one. */
type Page<Row> = { rows: readonly Row[]; next: string | null };

/** Reads pages by their cursors, up to `limit` rows, and whether there are more. */
export async function readPages<Row>(
  limit: number,
  read: (page: { page_size: number; cursor: string | undefined }) => Promise<Page<Row>>,
): Promise<{ rows: Row[]; hasMore: boolean }> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await read({ page_size: Math.min(MAX_PAGE, limit - rows.length), cursor });
    rows.push(...page.rows);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && rows.length < limit);
  return { rows, hasMore: cursor !== undefined };
}
