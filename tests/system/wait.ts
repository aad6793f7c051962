/** Long enough for a machine whose cores are all busy with something else; it costs nothing where the answer comes. */
const PATIENCE_SECONDS = 120;

/**
 * Asks `question` again and again until its answer is not undefined, false or a rejection.
 *
 * @throws After `seconds`, with what was waited for and the last rejection, if any.
 */
export async function eventually<T>(
  what: string,
  question: () => Promise<T | undefined | false> | T | undefined | false,
  { seconds = PATIENCE_SECONDS, everyMs = 50 }: { seconds?: number; everyMs?: number } = {},
): Promise<T> {
  const start = performance.now();
  let last: unknown;
  while (performance.now() - start < seconds * 1000) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`Waited ${seconds} s in vain until ${what}`, { cause: last });
}
