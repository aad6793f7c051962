import type { Clock } from "$lib/clock.ts";
import { preferences } from "$lib/serve/accept.ts";
import { sha256Hex } from "$lib/ids.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import { DOCS_PAGE } from "./docs_page.ts";
import { isKnown, notModified } from "./reply.ts";

/** A description of the API, or a part of it, open to everybody. */
export interface ApiDocument {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  write(): string | Promise<string>;
}

/**
 * The API's descriptions: one for programs, one for people. That for programs is written by `deno task docs`: to make
 * it of the declarations takes as long as thousands of requests, which would wait for whoever asks first.
 */
export const DOCUMENTS: readonly ApiDocument[] = [
  {
    path: "/docs/openapi.json",
    headers: { "content-type": JSON_TYPE },
    write: async () => (await import("./openapi.json", { with: { type: "text" } })).default,
  },
  ...DOCS_PAGE,
];

const UTF8 = new TextEncoder();

/** A document as it is sent: whole or compressed, to whoever has not got it yet. */
interface WrittenDocument {
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** Answers with a document, which is written when it is first asked for. */
export function documentAnswers(
  { headers, write }: ApiDocument,
  clock: Clock,
): (request: Request) => Promise<Response> {
  let written: Promise<WrittenDocument> | undefined;
  const writtenOnce = async () => {
    try {
      return await documentOf(write, clock);
    } catch (error) {
      written = undefined; // it may be there when it is next asked for
      throw error;
    }
  };
  return async (request) => {
    const { plain, gzipped, etag } = await (written ??= writtenOnce());
    const common = { ...headers, etag, vary: "accept-encoding", "cache-control": "no-cache" };
    if (isKnown(request, etag)) return notModified({ etag, headers: common });
    const encodings = [...preferences(request.headers.get("accept-encoding") ?? "")];
    if (!encodings.some(({ name, quality }) => name === "gzip" && quality > 0)) {
      return answerOf(plain, { headers: common });
    }
    return answerOf(gzipped, { headers: { ...common, "content-encoding": "gzip" } });
  };
}

async function documentOf(write: ApiDocument["write"], clock: Clock): Promise<WrittenDocument> {
  const text = await write();
  const plain = UTF8.encode(text);
  return { plain, gzipped: await gzippedOf(plain, clock), etag: `"${(await sha256Hex(plain)).slice(0, 32)}"` };
}

/** So much is compressed within a few milliseconds. */
const SLICE_BYTES = 64 * 1024;

/** In slices, between which others are answered. */
async function gzippedOf(plain: Uint8Array<ArrayBuffer>, clock: Clock): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new CompressionStream("gzip");
  const gzipped = new Response(readable).bytes();
  const writer = writable.getWriter();
  for (let at = 0; at < plain.length; at += SLICE_BYTES) {
    await writer.write(plain.subarray(at, at + SLICE_BYTES));
    await clock.sleep(0);
  }
  await writer.close();
  return await gzipped;
}
