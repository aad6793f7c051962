import { NotAsItMustBe } from "./run.ts";

/** Does some steps; throws where something is not as it must be. */
export type DoSteps = (steps: readonly number[]) => Promise<unknown>;

/**
 * Leaves steps out of a run that failed, as long as it fails without them: half of them, then smaller parts, as often
 * as `tries` allows. What goes side by side may go otherwise each time, so that few steps are a hint and no proof.
 */
export async function shrink(failed: NotAsItMustBe, doSteps: DoSteps, tries: number): Promise<NotAsItMustBe> {
  let least = failed;
  let left = tries;
  for (
    let size = Math.ceil(least.steps.length / 2);
    left > 0 && size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; left > 0 && from < least.steps.length && least.steps.length > 1;) {
      left -= 1;
      const fewer = least.steps.toSpliced(from, size);
      const failure = fewer.length === 0 ? undefined : await failureOf(doSteps, fewer);
      if (failure === undefined) from += size;
      else least = failure;
    }
  }
  return least;
}

async function failureOf(doSteps: DoSteps, steps: readonly number[]): Promise<NotAsItMustBe | undefined> {
  try {
    await doSteps(steps);
    return undefined;
  } catch (error) {
    if (error instanceof NotAsItMustBe) return error;
    throw error;
  }
}
