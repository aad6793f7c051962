/** One HTTP request to the API server, as the transport sees it. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer whose body has been read. */
export interface HttpAnswer {
  readonly status: number;
  /** Header values by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Sends one request and reads its whole answer, whatever its status; rejects when there is none. */
export type Exchange = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** An answer whose body is read as it comes. */
export interface HttpStream extends Omit<HttpAnswer, "text"> {
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * Sends one request and gives its answer as soon as that begins; rejects when there is none. The stream is over when the
 * signal aborts: whoever opens it makes sure that it does.
 */
export type OpenStream = (request: HttpRequest, signal: AbortSignal) => Promise<HttpStream>;
