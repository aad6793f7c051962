import { preferences } from "$lib/serve/accept.ts";
import { sha256HexSync } from "$lib/ids.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import { DOCS_PAGE } from "./docs_page.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { openApiDocument } from "./openapi.ts";
import { isKnown, notModified } from "./reply.ts";

/** A description of the API, or a part of it, open to everybody. */
export interface ApiDocument {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  write(): string | Promise<string>;
}

/** The API's descriptions: one for programs, one for people. */
export const DOCUMENTS: readonly ApiDocument[] = [
  {
    path: "/docs/openapi.json",
    headers: { "content-type": JSON_TYPE },
    write: () => JSON.stringify(openApiDocument(ENDPOINTS)),
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
export function documentAnswers({ headers, write }: ApiDocument): (request: Request) => Promise<Response> {
  let written: Promise<WrittenDocument> | undefined;
  const writtenOnce = async () => {
    try {
      return await documentOf(write);
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

async function documentOf(write: ApiDocument["write"]): Promise<WrittenDocument> {
  const text = await write();
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const gzipped = new Uint8Array(await new Response(stream).arrayBuffer());
  return { plain: UTF8.encode(text), gzipped, etag: `"${sha256HexSync(text).slice(0, 32)}"` };
}
