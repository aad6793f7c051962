import { gunzipSync } from "node:zlib";

/** A request that came in. */
export interface ReceivedRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: RequestInit["redirect"];
  /** Uncompressed. */
  readonly body: Uint8Array;
}

/** A receiver of OTLP in the place of `fetch`: it answers 200, until it is told something else. */
export class OtlpReceiver {
  readonly requests: ReceivedRequest[] = [];
  /** What it answers from now on. */
  answer: (request: ReceivedRequest, signal: AbortSignal) => Response | Promise<Response> = () => new Response();

  /** To be handed in as `fetch`. */
  readonly fetch = (async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    const sent = new Uint8Array(await new Response(init.body).arrayBuffer());
    const body = headers.get("content-encoding") === "gzip" ? new Uint8Array(gunzipSync(sent)) : sent;
    const { method = "GET", redirect } = init;
    const request = { url: String(input), method, headers, redirect, body };
    this.requests.push(request);
    return await this.answer(request, init.signal ?? new AbortController().signal);
  }) as typeof fetch;
}

/** Never answers; what waits for it ends by its signal. */
export function silence(_: ReceivedRequest, signal: AbortSignal): Promise<Response> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** A connection that is refused. */
export function noConnection(): never {
  throw new TypeError("error sending request", { cause: new Error("tcp connect error: Connection refused") });
}

/** A connection pool that is none, for what is handed a `fetch`. */
export function noClient(): Deno.HttpClient {
  return { close: () => {}, [Symbol.dispose]: () => {} } as Deno.HttpClient;
}
