import { type FaultAnswer, type FaultMatcher, Faults, playFault, type RequestFacts } from "../fakes/cluster/faults.ts";
import { writeKubeconfig } from "../fakes/cluster/kubeconfig.ts";
import { factsOf } from "../fakes/cluster/server.ts";
import type { KubeObject } from "../fakes/cluster/mod.ts";
import { type Relay, startRelay } from "../fakes/relay.ts";
import type { IdleClock } from "./idle_clock.ts";
import type { Traffic } from "./traffic.ts";

/** An API server, as a client reaches it. */
export interface ApiAddress {
  readonly url: string;
  readonly token: string;
  /** Where `url` is https. */
  readonly caPath?: string;
}

/** A request that the API server served, and its answer where that is JSON. */
export interface Served {
  readonly facts: RequestFacts;
  readonly status: number;
  readonly body: KubeObject | undefined;
  /** How often time had moved when it came: what became known since, whoever sent it did not know. */
  readonly leap: number;
}

/** What the gate is made of. */
export interface ApiGateParts {
  readonly api: ApiAddress;
  readonly clock: IdleClock;
  readonly traffic: Traffic;
  /** Hears of what the API server did, whether or not the agent hears so. */
  readonly onServed: (served: Served) => void;
}

/** When the process behind the gate dies: with a write, before or after that took effect. */
export interface Death {
  readonly writes: number;
  readonly isServed: boolean;
}

const WRITES: ReadonlySet<string> = new Set(["create", "update", "patch", "delete"]);

/** What stands between one life of the agent and its API server; all of the agent's requests end with it. */
export class ApiGate implements AsyncDisposable {
  readonly kubeconfigPath: string;
  readonly faults = new Faults();
  readonly relay: Relay;
  readonly #parts: ApiGateParts;
  readonly #client: Deno.HttpClient;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #dead = new AbortController();
  #death: (Death & { readonly died: () => void }) | undefined;
  #writesLeft = 0;

  private constructor(parts: ApiGateParts, client: Deno.HttpClient, kubeconfigPath: string, ports: {
    readonly server: Deno.HttpServer<Deno.NetAddr>;
    readonly relay: Relay;
  }) {
    this.#parts = parts;
    this.#client = client;
    this.kubeconfigPath = kubeconfigPath;
    this.#server = ports.server;
    this.relay = ports.relay;
  }

  static async open(parts: ApiGateParts): Promise<ApiGate> {
    const { caPath, token } = parts.api;
    const caCerts = caPath === undefined ? [] : [await Deno.readTextFile(caPath)];
    const options = {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: () => new Response(null, { status: 502 }),
    };
    const server = Deno.serve(options, (request) => gate.#answer(request));
    const relay = startRelay({ port: server.addr.port });
    const kubeconfigPath = await writeKubeconfig(`http://127.0.0.1:${relay.port}`, token);
    const gate: ApiGate = new ApiGate(parts, Deno.createHttpClient({ caCerts }), kubeconfigPath, { server, relay });
    return gate;
  }

  get isDead(): boolean {
    return this.#dead.signal.aborted;
  }

  /** Makes matching requests fail; the returned function ends that. */
  fault(matcher: FaultMatcher, answer: FaultAnswer): () => void {
    return this.faults.add(matcher, answer);
  }

  /** The process is to die with one of its next writes. */
  dieLater(death: Death, died: () => void): void {
    this.#death = { ...death, died };
    this.#writesLeft = death.writes;
  }

  /** Nothing gets through any more. */
  die(): void {
    this.#dead.abort(new Error("killed"));
    this.relay.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.die();
    await this.relay[Symbol.asyncDispose]();
    await this.#server.shutdown();
    this.#client.close();
    await Deno.remove(this.kubeconfigPath);
  }

  async #answer(request: Request): Promise<Response> {
    const facts = factsOf(request);
    const { leaps: leap } = this.#parts.clock;
    const body = request.method === "GET" ? undefined : await request.text();
    if (facts.verb === "watch") return await this.#serve(request, { facts, body, leap });
    const { traffic } = this.#parts;
    return await traffic.during(async () => {
      if (WRITES.has(facts.verb) && !facts.isDryRun && this.#isLastWrite()) {
        return await this.#dieWith(request, { facts, body, leap });
      }
      return await this.#answerUnderFaults(request, { facts, body, leap });
    });
  }

  #isLastWrite(): boolean {
    if (this.#death === undefined) return false;
    this.#writesLeft -= 1;
    return this.#writesLeft === 0;
  }

  async #dieWith(request: Request, what: Asked): Promise<Response> {
    const death = this.#death;
    if (death?.isServed === true) await this.#serve(request, what);
    if (!this.isDead) death?.died(); // else it was killed meanwhile, and the process that lives is another
    this.die();
    return new Response(null, { status: 502 });
  }

  async #answerUnderFaults(request: Request, what: Asked): Promise<Response> {
    const { traffic, clock } = this.#parts;
    const fault = this.faults.take(what.facts);
    const serve = () => this.#serve(request, what);
    if (fault === undefined) return await serve();
    const { delayMs, ...answer } = fault;
    const signal = AbortSignal.any([this.#dead.signal, request.signal]);
    if (delayMs !== undefined) await traffic.held(() => clock.sleep(delayMs, signal).catch(() => {}));
    if (answer.connection !== "hang") return await playFault(answer, { serve, signal });
    if (answer.isServed === true) await serve();
    return await traffic.held(() => playFault({ connection: "hang" }, { serve, signal }));
  }

  /** What the client hears of it or not, the API server has done. */
  async #serve(request: Request, { facts, body, leap }: Asked): Promise<Response> {
    const { api, onServed } = this.#parts;
    this.#dead.signal.throwIfAborted();
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    for (const name of ["host", "content-length", "accept-encoding"]) headers.delete(name);
    const init = { method: request.method, headers, body, client: this.#client };
    if (facts.verb === "watch") {
      return await fetch(`${api.url}${pathname}${search}`, { ...init, signal: request.signal });
    }
    const answer = await fetch(`${api.url}${pathname}${search}`, init);
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json") === true;
    onServed({ facts, leap, status: answer.status, body: isJson ? JSON.parse(text) : undefined });
    const passed = new Headers(answer.headers);
    passed.delete("content-length");
    passed.delete("transfer-encoding");
    passed.delete("content-encoding");
    return new Response(text, { status: answer.status, headers: passed });
  }
}

interface Asked {
  readonly facts: RequestFacts;
  readonly body: string | undefined;
  readonly leap: number;
}
