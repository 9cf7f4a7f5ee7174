/**
 * A list that the gateway gives in pages, as one: items are asked for page by page while it is iterated. Each iteration
 * begins anew.
 */
export class ItemList<T> implements AsyncIterable<T> {
  readonly #items: () => AsyncGenerator<T, void, undefined>;

  /** @internal */
  constructor(items: () => AsyncGenerator<T, void, undefined>) {
    this.#items = items;
  }

  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.#items();
  }

  /** Asks for all pages and returns their items. */
  async toArray(): Promise<T[]> {
    const all: T[] = [];
    for await (const item of this) all.push(item);
    return all;
  }
}
