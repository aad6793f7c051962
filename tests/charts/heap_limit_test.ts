import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { at, over } from "./leaves.ts";
import { render, template, the, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

const CHART_NAMES = Object.keys(CHARTS) as ChartName[];
const MIB = 1_048_576;
/** What V8 keeps beside the old objects: its space for new ones. */
const YOUNG_MIB = 128;

/** What each is told beside its limit for old objects. */
const MORE: Readonly<Record<ChartName, string>> = { "brokkr-agent": ",--max-semi-space-size=8", "brokkr-broker": "" };

/** What Kubernetes takes for a quantity, and 60 % of it in MiB; a file's numbers come as JSON has them. */
const QUANTITIES: readonly (readonly [unknown, number])[] = [
  ["512Mi", 307],
  ["1Gi", 614],
  ["1.5Gi", 921],
  ["524288Ki", 307],
  ["500M", 286],
  ["1G", 572],
  ["2T", 1_144_409],
  ["1E", 572_204_589_843],
  ["536870912", 307],
  [536_870_912, 307],
  [1e9, 572],
  ["1e9", 572],
  ["1E9", 572],
  ["1e+9", 572],
  ["536870912000m", 307],
  [".5Gi", 307],
  ["1Ki", 1],
];

for (const chart of CHART_NAMES) {
  testWith("helm", `chart ${chart}: V8 gets 60 % of the memory limit, in any unit`, async () => {
    const flags = await Promise.all(
      QUANTITIES.map(async ([memory]) => [memory, await heapLimit(chart, at("resources.limits.memory", memory))]),
    );

    assert.deepEqual(flags, QUANTITIES.map(([memory, mib]) => [memory, `--max-old-space-size=${mib}${MORE[chart]}`]));
  });

  testWith("helm", `chart ${chart}: without a memory limit V8 is told none`, async () => {
    const unlimited = [
      { resources: { limits: { memory: null } } },
      { resources: { limits: null } },
      { resources: { limits: null, requests: null } },
      { resources: { limits: { memory: null, cpu: "1" } } },
      { resources: null },
      { resources: { limits: { memory: 0 } } },
    ];

    for (const values of unlimited) assert.equal(await heapLimit(chart, values), undefined, JSON.stringify(values));
  });

  testWith("helm", `chart ${chart}: the user's own flags for V8 win`, async () => {
    const own = { name: "DENO_V8_FLAGS", value: "--max-old-space-size=99" };
    const { env } = the(await render(chart, over(LEAST[chart], { extraEnv: [own] })), "Deployment")
      .spec.template.spec.containers[0];

    assert.deepEqual(env.filter(({ name }) => name === own.name), [own]);
  });

  testWith("helm", `chart ${chart}: a memory limit that is no quantity is refused by name`, async () => {
    const { code, stderr } = await template(chart, over(LEAST[chart], at("resources.limits.memory", "512MB")));

    assert.notEqual(code, 0);
    assert.match(stderr, /resources\.limits\.memory "512MB" is not a quantity/);
  });

  testWith("helm", `chart ${chart}: what it tells V8 by default holds in a process`, async () => {
    const flags = await heapLimit(chart, {}) ?? "";
    const mib = Number(/\d+/.exec(flags)?.[0]);

    const limit = await limitInProcess({ DENO_V8_FLAGS: flags });

    assert.ok(limit >= mib && limit <= mib + YOUNG_MIB, `${limit} MiB with ${flags}`);
  });
}

/** The heap limit in MiB that a process of `deno run` has with these variables. */
async function limitInProcess(env: Record<string, string>): Promise<number> {
  const script = `import v8 from "node:v8"; console.log(v8.getHeapStatistics().heap_size_limit / ${MIB})`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", `data:text/javascript,${encodeURIComponent(script)}`],
    env: { ...env, NO_COLOR: "1" },
  }).output();
  return Number(new TextDecoder().decode(stdout));
}

async function heapLimit(chart: ChartName, values: Values): Promise<string | undefined> {
  const { env } = the(await render(chart, over(LEAST[chart], values)), "Deployment").spec.template.spec.containers[0];
  return env.find(({ name }) => name === "DENO_V8_FLAGS")?.value;
}
