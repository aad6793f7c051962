import { pipeline, Readable } from "node:stream";
import { createGzip, gzipSync } from "node:zlib";
import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import type { PageFormat } from "$lib/metrics/text.ts";

const CONTENT_TYPES: Readonly<Record<PageFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  text: "text/plain; version=0.0.4; charset=utf-8",
};
const GZIP_LEVEL = 1; // level 6 takes twelve times as long
/** What is encoded and compressed at once, in characters: some 0.2 ms in which nobody else is answered. */
const SLICE_LENGTH = 65_536;

/** Who makes the page, such as a registry; without `page` there is none to serve. */
export interface PageSource {
  readonly page: ((format: PageFormat) => Promise<string>) | undefined;
}

/** What answering needs besides. */
export interface HandlerParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers `/metrics` in the format and encoding that the request prefers; undefined where metrics are off. */
export function metricsHandler(
  { page }: PageSource,
  { clock, log }: HandlerParts,
): ((request: Request) => Promise<Response>) | undefined {
  if (page === undefined) return undefined;
  return async ({ headers }) => {
    const format = formatFor(headers.get("accept"));
    const isGzipped = acceptsGzip(headers.get("accept-encoding"));
    try {
      return new Response(body(await page(format), { isGzipped, clock }), { headers: headersFor(format, isGzipped) });
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

interface Delivery {
  readonly isGzipped: boolean;
  readonly clock: Clock;
}

/** A long page goes out in slices, between which others have their turn: a scrape must not hold up a request. */
function body(page: string, { isGzipped, clock }: Delivery): BodyInit {
  if (page.length > SLICE_LENGTH) {
    const bytes = slices(page, clock);
    return isGzipped ? gzipped(bytes) : ReadableStream.from(bytes);
  }
  return isGzipped ? new Uint8Array(gzipSync(page, { level: GZIP_LEVEL })) : page;
}

async function* slices(page: string, clock: Clock): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  for (let from = 0; from < page.length;) {
    const end = page.indexOf("\n", from + SLICE_LENGTH) + 1; // never within a character
    const to = end === 0 ? page.length : end;
    yield encoder.encode(page.slice(from, to));
    from = to;
    await clock.sleep(0);
  }
}

function gzipped(bytes: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const whenClientLeaves = () => {};
  const gzip = pipeline(Readable.from(bytes), createGzip({ level: GZIP_LEVEL }), whenClientLeaves);
  return Readable.toWeb(gzip) as ReadableStream<Uint8Array<ArrayBuffer>>;
}

function headersFor(format: PageFormat, isGzipped: boolean): Record<string, string> {
  return {
    "content-type": CONTENT_TYPES[format],
    "cache-control": "no-store",
    "vary": "accept, accept-encoding",
    ...(isGzipped ? { "content-encoding": "gzip" } : {}),
  };
}
