import { gzipSync } from "node:zlib";
import { type Preference, preferences } from "$lib/serve/accept.ts";
import type { Log } from "$lib/log.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import type { PageFormat } from "$lib/metrics/text.ts";
import { plainText } from "$lib/serve.ts";

const CONTENT_TYPES: Readonly<Record<PageFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  text: "text/plain; version=0.0.4; charset=utf-8",
};
/** A letter of a JavaScript text takes at most three bytes; those that take four are two letters. */
const UTF8_MAX_BYTES = 3;
const GZIP_LEVEL = 1; // level 6 takes twelve times as long

/** Who makes the page, such as a registry; without `page` there is none to serve. */
export interface PageSource {
  readonly page: ((format: PageFormat) => Promise<string>) | undefined;
}

/** Answers `/metrics` in the format and encoding that the request prefers; undefined where metrics are off. */
export function metricsHandler({ page }: PageSource, log: Log): ((request: Request) => Promise<Response>) | undefined {
  if (page === undefined) return undefined;
  const pageBytes = new PageBytes();
  return async ({ headers }) => {
    const format = formatFor(headers.get("accept"));
    try {
      const bytes = pageBytes.of(await page(format));
      return pageResponse(bytes, { format, isGzipped: acceptsGzip(headers.get("accept-encoding")) });
    } catch (error) {
      log.error("metrics could not be collected", { error });
      return plainText(500, "Cannot collect the metrics\n");
    }
  };
}

/** The format to answer an `Accept` header with: the one with the higher quality, the first among equals. */
export function formatFor(accept: string | null): PageFormat {
  const ranges = [...preferences(accept ?? "")];
  const [text, openmetrics] = [rangeOf("text", ranges), rangeOf("openmetrics", ranges)];
  if (openmetrics === undefined || openmetrics.quality === 0) return "text";
  if (text === undefined || openmetrics.quality > text.quality) return "openmetrics";
  const isNamedFirst = ranges.indexOf(openmetrics) < ranges.indexOf(text);
  return openmetrics.quality === text.quality && isNamedFirst ? "openmetrics" : "text";
}

const FORMATS: Readonly<Record<PageFormat, { readonly version: string; readonly names: readonly string[] }>> = {
  openmetrics: { version: "1.0.0", names: ["application/openmetrics-text", "application/*", "*/*"] },
  text: { version: "0.0.4", names: ["text/plain", "text/*", "*/*"] },
};

/**
 * What the header says of a format, the most exact first. A version that is not written here is not supported: better
 * the other format than a wrong label on this one.
 */
function rangeOf(format: PageFormat, ranges: readonly Preference[]): Preference | undefined {
  const { version, names } = FORMATS[format];
  const fitting = ranges.filter(({ parameters }) => (parameters.get("version") ?? version) === version);
  return names.map((name) => fitting.find((range) => range.name === name)).find((range) => range !== undefined);
}

function acceptsGzip(acceptEncoding: string | null): boolean {
  const ranges = [...preferences(acceptEncoding ?? "")];
  const range = ranges.find(({ name }) => name === "gzip") ?? ranges.find(({ name }) => name === "*");
  return range !== undefined && range.quality > 0;
}

/** Writes every page into the same memory: to get another megabyte from the system takes longer than to fill it. */
class PageBytes {
  readonly #encoder = new TextEncoder();
  #memory = new Uint8Array();

  /** The page in UTF-8, there until the next one is asked for. */
  of(page: string): Uint8Array<ArrayBuffer> {
    if (this.#memory.length < page.length * UTF8_MAX_BYTES) {
      this.#memory = new Uint8Array(page.length * UTF8_MAX_BYTES * 2); // memory that is never written takes no room
    }
    const { written } = this.#encoder.encodeInto(page, this.#memory);
    return this.#memory.subarray(0, written);
  }
}

function pageResponse(
  bytes: Uint8Array<ArrayBuffer>,
  { format, isGzipped }: { format: PageFormat; isGzipped: boolean },
): Response {
  return answerOf(isGzipped ? new Uint8Array(gzipSync(bytes, { level: GZIP_LEVEL })) : bytes.slice(), {
    headers: {
      "content-type": CONTENT_TYPES[format],
      "cache-control": "no-store",
      "vary": "accept, accept-encoding",
      ...(isGzipped ? { "content-encoding": "gzip" } : {}),
    },
  });
}
