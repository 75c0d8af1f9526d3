// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape, and assert what they find
type Body = any;

/** The health of a runner with its namespaces by name instead of in a list. */
export function byNamespace(body: Body): Body {
  if (!Array.isArray(body?.namespaces)) return body;
  const named = body.namespaces.map(({ namespace, ...figures }: { namespace: string }) => [
    namespace,
    figures,
  ]);
  return { ...body, namespaces: Object.fromEntries(named) };
}
