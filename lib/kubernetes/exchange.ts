import type { Connection } from "$lib/http_client.ts";

/** One HTTP request to the API server, as the transport sees it. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  /** One that has several values is sent once with each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

/** An answer whose body has been read. */
export interface HttpAnswer {
  readonly status: number;
  /** Header values by lower-case name; of an answer of a status below 400 none. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Sends one request and reads its whole answer, whatever its status; rejects when there is none in time, or when the
 * signal aborts.
 */
export type Exchange = (request: HttpRequest, signal?: AbortSignal) => Promise<HttpAnswer>;

/** An answer whose body is read as it comes. */
export interface HttpStream extends HttpAnswer {
  /** The whole body of a status of 400 or above, which is read at once; else empty. */
  readonly text: string;
  /** The body of any other. */
  readonly body: ReadableStream<Uint8Array>;
  /** What whoever reads says of the connection. */
  readonly connection: Pick<Connection, "heard" | "silentFor">;
}

/**
 * Sends one request and gives its answer when that begins; rejects when it does not in time. The stream is over when
 * the signal aborts: whoever opens it makes sure that it does.
 */
export type OpenStream = (request: HttpRequest, signal: AbortSignal) => Promise<HttpStream>;
