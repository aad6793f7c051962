import { readmeText } from "./readme.ts";
import { type ChartName, CHARTS, completeSchema } from "./schema.ts";
import { valuesText } from "./values.ts";

/**
 * The generated files of both charts, as pages. In the schema, only `settings` is: the rest of it is where the others
 * come from.
 */
export const CHART_PAGES: Readonly<Record<string, () => Promise<string>>> = Object.fromEntries(
  (Object.keys(CHARTS) as ChartName[]).flatMap((chart) => [
    [
      `charts/${chart}/values.schema.json`,
      async () => `${JSON.stringify(await completeSchema(chart), undefined, 2)}\n`,
    ],
    [`charts/${chart}/values.yaml`, async () => valuesText(await completeSchema(chart))],
    [`charts/${chart}/README.md`, async () => readmeText(chart, await completeSchema(chart))],
  ]),
);
