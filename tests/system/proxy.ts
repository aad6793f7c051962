/** Answers a request itself, or forwards it. */
export type Interceptor = (request: Request, forward: (request: Request) => Promise<Response>) => Promise<Response>;

/** An HTTP proxy between the agent and the broker, so that a test can put itself between them. */
export interface Proxy extends AsyncDisposable {
  /** Sets what the proxy stands before; returns where the agent finds the proxy. */
  before(url: string): string;
}

/** Starts a proxy on a free port of loopback. */
export function startProxy(interceptor: Interceptor): Proxy {
  let target = "";
  async function forward(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const body = method === "GET" || method === "HEAD" ? undefined : await request.arrayBuffer();
    try {
      return await fetch(`${target}${pathname}${search}`, { method, headers, body, redirect: "manual" });
    } catch (error) {
      return new Response(String(error), { status: 502 }); // whom it stands before is gone, as at the end of a test
    }
  }
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => interceptor(request, forward),
  );
  return {
    before(url) {
      target = url;
      return `http://127.0.0.1:${server.addr.port}`;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
