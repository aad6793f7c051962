import { GENERATED, table } from "../markdown.ts";
import { KINDS, Measurements, type Mode, requestsPerSecond, type Result, slowestMs } from "./measurement.ts";
import { plotOf, PLOTS } from "./plot.ts";

const SOURCE = new URL("measured.json", import.meta.url);
const FOLDER = "docs/content/reference/";
/** What is to be left free of what was seen at most, as a factor. */
const ROOM = 2;
const [CPU_STEP, MIB_STEP] = [0.25, 64];
/** What else may run beside a measurement whose times are to count. */
const ALONE_CORES = 0.2;

/** What is done in the modes that change something but a rollout. */
const CHANGING: readonly (readonly [Mode, string])[] = [
  ["mixed", "100 submissions a minute to stacks of 50 agents each:"],
  ["churn", "Five labels a second, put on agents and taken away again:"],
  [
    "storm",
    `Every broker is restarted right after a submission to all; over when each agent has been answered again. Requests that
failed meanwhile were tried again, as agents do:`,
  ],
];

/** Everything about scale that is made from what was measured: the page, and its plots. */
export const SCALE_PAGES: Readonly<Record<string, () => Promise<string>>> = {
  [`${FOLDER}scale.md`]: scalePage,
  ...Object.fromEntries(
    Object.entries(PLOTS).map(([name, plot]) => [
      `${FOLDER}${fileOf(name)}`,
      async () => plotOf((await readMeasurements()).results, plot),
    ]),
  ),
};

async function scalePage(): Promise<string> {
  const { machine, results } = await readMeasurements();
  const days = [...new Set(results.map(({ day }) => day))].sort().join(", ");
  return `${GENERATED}

# Scale

For whoever plans a broker and its database: what a number of agents needs, and where it ends.

All figures are of \`deno task bench fleet\`, on one machine that carried the brokers, PostgreSQL (waiting for the disk at
each commit) and the agents at once:

${table(["Machine", "Measured on"], [[machine, days]])}

Agents are light: no cluster behind them, but HTTP, keys and timing as shipped (a poll and a heartbeat each 10 seconds,
a request held for changes). Each has a stack that all have, and one of fifty agents. Times are from when a request was
due until its answer, in milliseconds, of which one in a hundred took longer. What others had of the machine's
processors meanwhile stands beside.

## Steady

Nothing changes; agents poll and give signs of life.

${usageTable(results, "steady")}

${picture("times")}

${picture("cores")}

${picture("memory")}

${picture("database")}

## A rollout

One submission to all agents: until the last one has fetched it and reported it as applied. Of each kind of request the
time as above; the last three columns are processors at work, those of one broker, of the database and of others.

${timesTable(results, "rollout")}

${picture("ends")}

## Many submissions, changing labels, a restart

${
    CHANGING.flatMap(([mode, what]) => of(results, mode).length === 0 ? [] : [what, timesTable(results, mode)]).join(
      "\n\n",
    )
  }

## What to provision

Twice the most that was seen in any of these, for one broker alone and its database:

${provisionTable(results)}

Two brokers are for one that fails or is upgraded: give each what one alone needs. Connections: three for each agent,
and \`database.pool_size\` of each broker at the database.

## Where the wall is

A broker answers on one processor: that is its wall, whatever the machine has, and more brokers share the agents among
them. After that comes PostgreSQL: reports and heartbeats are commits that wait for the disk. Agents hear of a rollout
as fast as their requests are answered (\`broker.wake_spread_ms\`), so a broker that has reached its wall takes longer for
a rollout, and answers meanwhile.

Times are those of Brokkr only where others had at most ${ALONE_CORES} of the machine's processors. Where they had more, times say
what else the machine did, while processors and memory hold.

${wall(results)}

## Read next

[Settings](settings.md), [monitoring](monitoring.md), [install with Helm](../how-to/install-with-helm.md).
`;
}

async function readMeasurements(): Promise<Measurements> {
  return Measurements.parse(JSON.parse(await Deno.readTextFile(SOURCE)));
}

function fileOf(plot: string): string {
  return `scale-${plot}.svg`;
}

function picture(name: keyof typeof PLOTS): string {
  return `![${PLOTS[name]?.title}](${fileOf(String(name))})`;
}

function usageTable(all: readonly Result[], mode: Mode): string {
  const head = ["Agents", "Brokers", "Requests/s", "p99 ms", "Broker CPU", "MiB"];
  return table(
    [...head, "Database CPU", "MiB", "Commits/s", "WAL KiB/s", "Others CPU"],
    of(all, mode).map((result) => [
      ...sizeOf(result),
      requestsPerSecond(result).toFixed(0),
      slowestMs(result).toFixed(0),
      (result.brokerCores / result.brokers).toFixed(2),
      String(result.brokerMiBLate),
      result.databaseCores.toFixed(2),
      String(result.databaseMiB),
      String(result.commitsPerSecond),
      String(result.walKiBPerSecond),
      result.otherCores.toFixed(2),
    ]),
  );
}

function timesTable(all: readonly Result[], mode: Mode): string {
  const results = of(all, mode);
  const kinds = KINDS.filter((kind) => results.some(({ times }) => times[kind] !== undefined));
  const ends = results.some(({ overSeconds }) => overSeconds !== undefined) ? ["Over, s"] : [];
  return table(
    ["Agents", "Brokers", ...ends, ...kinds, "broker", "database", "others"],
    results.map((result) => [
      ...sizeOf(result),
      ...ends.map(() => result.overSeconds?.toFixed(1) ?? ""),
      ...kinds.map((kind) => result.times[kind]?.p99Ms.toFixed(0) ?? ""),
      (result.brokerCores / result.brokers).toFixed(2),
      result.databaseCores.toFixed(2),
      result.otherCores.toFixed(2),
    ]),
  );
}

function provisionTable(all: readonly Result[]): string {
  const results = all.filter(({ brokers }) => brokers === 1);
  const counts = [...new Set(results.map(({ agents }) => agents))].sort((one, other) => one - other);
  return table(
    ["Agents", "Broker: CPU", "memory", "Database: CPU", "memory"],
    counts.map((agents) => {
      const most = (of: (result: Result) => number, step: number) =>
        Math.ceil(ROOM * Math.max(...results.filter((each) => each.agents === agents).map(of)) / step) * step;
      return [
        String(agents),
        String(most(({ brokerCores }) => brokerCores, CPU_STEP)),
        `${most(({ brokerMiBLate }) => brokerMiBLate, MIB_STEP)} MiB`,
        String(most(({ databaseCores }) => databaseCores, CPU_STEP)),
        `${most(({ databaseMiB }) => databaseMiB, MIB_STEP)} MiB`,
      ];
    }),
  );
}

/** What was not held, and what was taken of the machine then, as far as the machine did nothing else. */
function wall(results: readonly Result[]): string {
  const alone = results.filter(({ otherCores }) => otherCores <= ALONE_CORES);
  const missed = alone.filter(({ faults }) => faults.length > 0);
  if (alone.length === 0) return `None of the ${results.length} results is such: limits are not judged here.`;
  const judged = `${alone.length} of ${results.length} results are such.`;
  if (missed.length === 0) return `${judged} Of the limits, they miss none.`;
  const rows = missed.flatMap((result) =>
    result.faults.map((fault) => [
      result.mode,
      ...sizeOf(result),
      fault,
      ...[result.brokerCores, result.databaseCores, result.fleetCores].map((cores) => cores.toFixed(2)),
    ])
  );
  const head = ["Mode", "Agents", "Brokers", "Missed", "Cores: brokers", "database", "agents"];
  return `${judged} They miss these limits, with so many processors at work:\n\n${table(head, rows)}`;
}

function of(results: readonly Result[], mode: Mode): readonly Result[] {
  return results.filter((result) => result.mode === mode);
}

function sizeOf({ agents, brokers }: Result): readonly string[] {
  return [String(agents), String(brokers)];
}
