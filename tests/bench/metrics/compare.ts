/** One thing that is measured beside others; `run` says its result in whatever unit all of them have. */
export interface Runner<Name extends string> {
  readonly name: Name;
  readonly run: () => number | Promise<number>;
}

/** What each runner said, round by round. */
export type Rounds<Name extends string> = readonly Readonly<Record<Name, number>>[];

/**
 * Runs everybody in each round, forwards and backwards in turn, so that what else the machine does meets all of them;
 * the first round only warms up.
 *
 * @param isEnough Ends it before all rounds, by those there were.
 */
export async function compare<Name extends string>(
  runners: readonly Runner<Name>[],
  rounds: number,
  isEnough: (rounds: Rounds<Name>) => boolean = () => false,
): Promise<Rounds<Name>> {
  const all: Record<Name, number>[] = [];
  for (let round = 0; round <= rounds; round++) {
    const results: [Name, number][] = [];
    for (const { name, run } of round % 2 === 0 ? runners : runners.toReversed()) results.push([name, await run()]);
    if (round > 0) all.push(Object.fromEntries(results) as Record<Name, number>);
    if (isEnough(all)) break;
  }
  return all;
}

/** How unlikely a verdict must be by chance alone. */
const CHANCE_MAX = 1e-3;

/**
 * Whether so many of so many rounds agree that their median is on one side: by a sign test, as nothing is known of
 * them.
 */
export function isDecided(agreeing: number, rounds: number): boolean {
  const most = Math.max(agreeing, rounds - agreeing);
  let [ways, chance] = [1, 0]; // of all outcomes with as many on one side, or more
  for (let others = 0; others <= rounds - most; others += 1) {
    chance += ways / 2 ** rounds;
    ways = ways * (rounds - others) / (others + 1);
  }
  return 2 * chance < CHANCE_MAX;
}

/** The middle of what one said. */
export function middle<Name extends string>(rounds: Rounds<Name>, name: Name): number {
  return median(rounds.map((round) => round[name]));
}

/** The middle of the ratios of the single rounds. */
export function ratio<Name extends string>(rounds: Rounds<Name>, name: NoInfer<Name>, to: NoInfer<Name>): number {
  return median(rounds.map((round) => round[name] / round[to]));
}

/** The middle one, by size; of an even number the upper of the two. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error("There is no median of nothing");
  return middle;
}
