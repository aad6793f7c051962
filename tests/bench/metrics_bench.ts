/**
 * What metrics cost, beside the OpenTelemetry SDK's own instruments and `prom-client`: a record, a page, requests per
 * second, and the slowest requests while a large page is scraped. What is compared takes part in each round, and ratios
 * are those of single rounds, because the machine may be doing other things.
 *
 * usage: deno task bench metrics [record | page | requests | scrape]
 */
import { pageLines } from "./metrics/page.ts";
import { recordLines } from "./metrics/record.ts";
import { requestLines } from "./metrics/requests.ts";
import { scrapeLines } from "./metrics/scrape.ts";
import { faultText, isHeld, type Line, table } from "./metrics/report.ts";

const PARTS: Readonly<Record<string, () => Promise<readonly Line[]>>> = {
  record: recordLines,
  page: pageLines,
  requests: requestLines,
  scrape: scrapeLines,
};

async function main(wanted: string | undefined): Promise<number> {
  const names = Object.keys(PARTS);
  if (wanted !== undefined && !names.includes(wanted)) {
    console.error(`Cannot measure "${wanted}": there is ${names.join(", ")}`);
    return 2;
  }
  const lines: Line[] = [];
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted === undefined || wanted === name) lines.push(...await measure());
  }
  console.log(table(lines).join("\n"));
  const faults = lines.filter((line) => !isHeld(line));
  for (const fault of faults) console.error(`NOT HELD: ${faultText(fault)}`);
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args[0]));
