import type { z } from "zod";

/** The broker's API as a client uses it: plain JSON over fetch, counted, so that a test knows what it sent. */
export interface Api {
  /** Sends one request; never throws for a status. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Sends one request whose answer must be 2xx, and checks the answer's shape. */
  send<S extends z.ZodType>(shape: S, method: string, path: string, body?: unknown): Promise<z.infer<S>>;
}

/** One answer, its body parsed where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A client with `pak` of the broker at `url`; paths are below `/api/v1`. A string body is sent as raw YAML. */
export function apiClient(url: string, pak: string): Api {
  async function call(method: string, path: string, body?: unknown): Promise<Answer> {
    const isYaml = typeof body === "string";
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: pak,
        ...(body === undefined ? {} : { "content-type": isYaml ? "application/yaml" : "application/json" }),
      },
      body: body === undefined ? undefined : isYaml ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
    return { status: answer.status, headers: answer.headers, body: isJson && text !== "" ? JSON.parse(text) : text };
  }
  return {
    call,
    async send(shape, method, path, body) {
      const answer = await call(method, path, body);
      if (answer.status >= 300) {
        throw new Error(`Cannot ${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      return shape.parse(answer.body);
    },
  };
}
