/** More than a stack has in flight while `agent.apply_concurrency` is 512 at most: what waits beside takes memory. */
const AT_ONCE = 256;

/**
 * Does the work of each, some hundred at once, until every one has ended; then rejects as the first in their order that
 * did.
 */
export async function allEnded<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const works: Promise<R>[] = [];
  const left = items.entries();
  async function takeNext(): Promise<void> {
    for (const [index, item] of left) {
      const one = work(item);
      works[index] = one;
      await one.catch(() => {});
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, takeNext));
  return await Promise.all(works);
}
