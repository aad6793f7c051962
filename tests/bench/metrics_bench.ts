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
import { measureParts } from "./metrics/parts.ts";
import type { Line } from "./metrics/report.ts";

const PARTS: Readonly<Record<string, () => Promise<readonly Line[]>>> = {
  record: recordLines,
  page: pageLines,
  requests: requestLines,
  scrape: scrapeLines,
};

if (import.meta.main) Deno.exit(await measureParts(PARTS, Deno.args[0]));
