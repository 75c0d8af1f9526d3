/** Prices in cents. A real shop asks its warehouse. */
const PRICES: Readonly<Record<string, number>> = { 'tea-pot': 2_450, cup: 890, spoon: 310 };

/** The price of an article in cents; undefined if the shop does not have it. */
export function priceOf(article: string): number | undefined {
  return PRICES[article];
}
