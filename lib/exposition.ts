import { gzipSync } from "node:zlib";
import type { Log } from "$lib/log.ts";
import type { PageFormat } from "$lib/metrics/text.ts";

const CONTENT_TYPES: Readonly<Record<PageFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  text: "text/plain; version=0.0.4; charset=utf-8",
};
const GZIP_LEVEL = 1; // level 6 takes twelve times as long

/** Who makes the page, such as a registry; without `page` there is none to serve. */
export interface PageSource {
  readonly page: ((format: PageFormat) => Promise<string>) | undefined;
}

/** Answers `/metrics` in the format and encoding that the request prefers; undefined where metrics are off. */
export function metricsHandler({ page }: PageSource, log: Log): ((request: Request) => Promise<Response>) | undefined {
  if (page === undefined) return undefined;
  return async ({ headers }) => {
    const format = formatFor(headers.get("accept"));
    try {
      return pageResponse(await page(format), { format, isGzipped: acceptsGzip(headers.get("accept-encoding")) });
    } catch (error) {
      log.error("metrics could not be collected", { error });
      return new Response("Cannot collect the metrics\n", {
        status: 500,
        headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
      });
    }
  };
}

/** The format to answer an `Accept` header with: the supported one with the highest quality, the first among equals. */
export function formatFor(accept: string | null): PageFormat {
  let best: { readonly format: PageFormat; readonly quality: number } = { format: "text", quality: 0 };
  for (const range of qualities(accept ?? "")) {
    const format = formatOf(range);
    if (format !== undefined && range.quality > best.quality) best = { format, quality: range.quality };
  }
  return best.format;
}

interface Preference {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** A version that is not written here is not supported: better the other format than a wrong label on this one. */
function formatOf({ name, parameters }: Preference): PageFormat | undefined {
  const version = parameters.get("version");
  if (name === "application/openmetrics-text") {
    return version === undefined || version === "1.0.0" ? "openmetrics" : undefined;
  }
  if (name === "text/plain") return version === undefined || version === "0.0.4" ? "text" : undefined;
  return name === "*/*" || name === "text/*" ? "text" : undefined;
}

function acceptsGzip(acceptEncoding: string | null): boolean {
  const ranges = [...qualities(acceptEncoding ?? "")];
  const range = ranges.find(({ name }) => name === "gzip") ?? ranges.find(({ name }) => name === "*");
  return range !== undefined && range.quality > 0;
}

function* qualities(header: string): Generator<Preference> {
  for (const range of header.split(",")) {
    const [name = "", ...rest] = range.split(";").map((part) => part.trim().toLowerCase());
    const parameters = new Map(rest.map((parameter) => {
      const [key = "", value = ""] = parameter.split("=").map((side) => side.trim());
      return [key, value.replaceAll('"', "")];
    }));
    const quality = Number(parameters.get("q") ?? 1);
    yield { name, parameters, quality: quality >= 0 ? quality : 0 };
  }
}

function pageResponse(page: string, { format, isGzipped }: { format: PageFormat; isGzipped: boolean }): Response {
  const bytes = new TextEncoder().encode(page);
  return new Response(isGzipped ? new Uint8Array(gzipSync(bytes, { level: GZIP_LEVEL })) : bytes, {
    headers: {
      "content-type": CONTENT_TYPES[format],
      "cache-control": "no-store",
      "vary": "accept, accept-encoding",
      ...(isGzipped ? { "content-encoding": "gzip" } : {}),
    },
  });
}
