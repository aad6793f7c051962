import { waitFor } from "../run/wait.ts";

/**
 * Asks `question` again and again until its answer is not undefined, false or a rejection.
 *
 * @param what Completes "Cannot see that …".
 * @throws After two minutes, or `seconds`, with what was waited for and the last rejection, if any.
 */
export function eventually<T>(
  what: string,
  question: () => Promise<T | undefined | false> | T | undefined | false,
  { seconds, everyMs }: { seconds?: number; everyMs?: number } = {},
): Promise<T> {
  const ask = async () => {
    const answer = await question();
    return answer === false ? undefined : answer;
  };
  const timeoutMs = seconds === undefined ? undefined : seconds * 1_000;
  return waitFor(ask, { what: `see that ${what}`, timeoutMs, intervalMs: everyMs });
}
