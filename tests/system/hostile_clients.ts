import { newPak } from "$lib/ids.ts";

/** Whom hostile clients are against, and what they have been given by it. */
export interface HostileOptions {
  readonly url: string;
  /** A generator's own key, and a stack of it. */
  readonly pak: string;
  readonly stackId: string;
  /** The key of an agent that is to have more than a socket takes. */
  readonly agentPak: string;
  readonly agentId: string;
}

const MIB = 1024 * 1024;
/** Far more than any error has to say. */
const REFUSAL_MAX_BYTES = 32 * 1024;
const CONNECTIONS = 30;
const READERS = 4;
const KEYS_AT_ONCE = 10;

const PATHS = [
  `/${"a".repeat(60_000)}`,
  `/${"a-".repeat(30_000)}`,
  `/api/v1/agents/${"%25".repeat(20_000)}`,
  `/api/v1/agents/${"brokkr_".repeat(8_000)}`,
  `/api/v1/stacks/%00/labels/%ff?limit=${"9".repeat(50_000)}`,
  `/api/v1/${"../".repeat(10_000)}agents`,
];
const BODIES = [
  "[".repeat(MIB),
  `{"a":`.repeat(100_000),
  `{"name":"${"x".repeat(MIB)}`,
  "\0".repeat(1_000),
  `{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":${at}`)}}`,
];
const KIND = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n";
/** Each is large, and cheap to send. */
export const BUNDLES: readonly string[] = [
  `${KIND}${Array.from({ length: 60_000 }, (_, at) => `  k${at}: &a${at} "v"\n`).join("")}`,
  `${KIND}  a0: &a0 [x, x, x, x, x, x, x, x, x]\n${
    Array.from({ length: 40 }, (_, at) => `  a${at + 1}: &a${at + 1} [${`*a${at}, `.repeat(9)}]\n`).join("")
  }`,
  `${KIND}  deep: ${"[".repeat(200_000)}\n`,
  "---\n".repeat(300_000),
  "kind: 7\n---\n".repeat(50_000),
  `${KIND}  "${"\\u0041".repeat(200_000)}": "x"\n`,
];

/** Clients that send what breaks or fills programs, as fast as they can, until they are stopped. */
export class HostileClients {
  /** Each `what status` that was answered, and how often. */
  readonly answers = new Map<string, number>();
  readonly #options: HostileOptions;
  readonly #silent: Deno.Conn[] = [];
  #isOver = false;

  constructor(options: HostileOptions) {
    this.#options = options;
  }

  /** Resolves once all have stopped. */
  async run(): Promise<void> {
    const { stackId } = this.#options;
    await this.#openSilent();
    await Promise.all([
      this.#each("path", PATHS, (path) => this.#ask(path)),
      ...Array.from(
        { length: KEYS_AT_ONCE },
        () =>
          this.#each(
            "key",
            ["brokkr_a".repeat(2_500), newPak()],
            (pak) => this.#ask(`/api/v1/agents/${stackId}`, { method: "PUT", pak, body: "{}" }),
          ),
      ),
      this.#each("body", BODIES, (body) => this.#post("/api/v1/stacks", body, "application/json")),
      this.#each("size", [endless], (body) => this.#post("/api/v1/stacks", body(), "application/json")),
      this.#each("bundle", BUNDLES, (bundle) => this.submit(bundle)),
    ]);
    for (const connection of this.#silent.splice(0)) connection.close();
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Submits a bundle to the stack of its own; gives back the answer's status. */
  submit(bundle: string): Promise<number> {
    return this.#post(`/api/v1/stacks/${this.#options.stackId}/deployment-objects`, bundle, "application/yaml");
  }

  async #each<T>(what: string, things: readonly T[], send: (thing: T) => Promise<number>): Promise<void> {
    for (let at = 0; !this.#isOver || at < things.length; at += 1) {
      const answer = `${what} ${await send(things[at % things.length] as T)}`;
      this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    }
  }

  #post(path: string, body: BodyInit, type: string): Promise<number> {
    return this.#ask(path, { method: "POST", pak: this.#options.pak, body, type });
  }

  /** The answer's status; 0 where the connection ended instead, which a body that is too large may see. */
  async #ask(
    path: string,
    { method = "GET", pak, body, type }: { method?: string; pak?: string; body?: BodyInit; type?: string } = {},
  ): Promise<number> {
    const headers = new Headers(pak === undefined ? {} : { authorization: pak });
    if (type !== undefined) headers.set("content-type", type);
    try {
      const answer = await fetch(`${this.#options.url}${path}`, { method, headers, body });
      const { length } = await answer.text();
      if (answer.status >= 400 && length > REFUSAL_MAX_BYTES) throw new RangeError(`${length} bytes of refusal`);
      return answer.status;
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return 0;
    }
  }

  /** Connections that say half of something, or ask and read nothing. */
  async #openSilent(): Promise<void> {
    const { url, pak, agentPak, agentId, stackId } = this.#options;
    const { hostname, port } = new URL(url);
    const head = (method: string, path: string, key: string) =>
      `${method} ${path} HTTP/1.1\r\nHost: broker\r\nAuthorization: ${key}\r\n`;
    const post = head("POST", `/api/v1/stacks/${stackId}/deployment-objects`, pak);
    const texts = [
      ...Array(CONNECTIONS).fill("GET / HTTP/1.1\r\nHost: bro"),
      ...Array(CONNECTIONS).fill(`${post}Content-Type: application/yaml\r\nContent-Length: 100000\r\n\r\napi`),
      ...Array(READERS).fill(`${head("GET", `/api/v1/agents/${agentId}/target-state`, agentPak)}\r\n`),
    ];
    for (const text of texts) {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      this.#silent.push(connection);
      await connection.write(new TextEncoder().encode(text));
    }
  }
}

/** A body that never ends, of unknown length. */
function endless(): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(MIB).fill(120);
  return new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
}
