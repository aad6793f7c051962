/** What a connection asks again and again. */
export interface Asked {
  readonly request: Uint8Array<ArrayBuffer>;
  /** What the answer ends with. */
  readonly answerEnd: string;
}

/** A request as Deno's own client sends it. */
export function asked(firstLine: string, answerEnd: string, headers: readonly string[] = []): Asked {
  const common = ["host: 127.0.0.1:3000", "accept: */*", "accept-language: *", "user-agent: Deno/2.9.6"];
  const lines = [firstLine, ...common, "accept-encoding: gzip,br", ...headers, "", ""];
  return { request: new TextEncoder().encode(lines.join("\r\n")), answerEnd };
}

const HELLO = asked("GET / HTTP/1.1", "Hello, world\n");
/** As Prometheus asks. */
const SCRAPE = new TextEncoder().encode(
  "GET /metrics HTTP/1.1\r\nhost: bench\r\naccept: application/openmetrics-text; version=1.0.0\r\n" +
    "accept-encoding: gzip\r\nconnection: close\r\n\r\n",
);
const BUFFER_BYTES = 65_536;
const CONNECTIONS = 16;

interface Connection extends Disposable {
  readonly socket: Deno.TcpConn;
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Every answer has this length: they are counted by bytes, as `fetch` would take more time than the server. */
  readonly answerBytes: number;
  readonly request: Uint8Array<ArrayBuffer>;
}

/** How many requests a server answers that has more to do all the time. */
export async function saturate(port: number, ms: number, what = HELLO): Promise<number> {
  using connections = await openConnections(port, what);
  const untilMs = performance.now() + ms;
  const answered = await Promise.all(connections.all.map((one) => keepBusy(one, untilMs)));
  return answered.reduce((sum, one) => sum + one, 0);
}

async function keepBusy(connection: Connection, untilMs: number): Promise<number> {
  let answered = 0;
  for (; performance.now() < untilMs; answered++) {
    await connection.socket.write(connection.request);
    let missing = connection.answerBytes;
    while (missing > 0) missing -= await read(connection);
    if (missing < 0) throw new Error("An answer is longer than the first one was");
  }
  return answered;
}

/** What {@linkcode pace} sends. */
export interface Pace {
  readonly perSecond: number;
  readonly ms: number;
}

/** Milliseconds that each request took, sent at an even pace whether or not those before it are answered. */
export async function pace(port: number, { perSecond, ms }: Pace): Promise<readonly number[]> {
  using connections = await openConnections(port);
  const lanes = connections.all.map((connection) => ({ connection, sentMs: [] as number[] }));
  const total = Math.floor(perSecond * ms / 1_000);
  const taken = lanes.map((lane, at) => receive(lane, Math.floor((total + CONNECTIONS - 1 - at) / CONNECTIONS)));
  const startMs = performance.now();
  for (let sent = 0; sent < total; await new Promise((resolve) => setTimeout(resolve, 1))) {
    const nowMs = performance.now();
    const due = Math.min(total, Math.floor((nowMs - startMs) * perSecond / 1_000));
    for (; sent < due; sent++) {
      const lane = lanes[sent % CONNECTIONS];
      lane?.sentMs.push(nowMs);
      lane?.connection.socket.write(lane.connection.request);
    }
  }
  return (await Promise.all(taken)).flat();
}

interface Lane {
  readonly connection: Connection;
  /** When each request was sent. */
  readonly sentMs: number[];
}

async function receive({ connection, sentMs }: Lane, expected: number): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let bytes = 0; taken.length < expected;) {
    bytes += await read(connection);
    const nowMs = performance.now();
    for (; bytes >= connection.answerBytes; bytes -= connection.answerBytes) {
      taken.push(nowMs - (sentMs[taken.length] ?? NaN));
    }
  }
  return taken;
}

/** Asks for the page once, as Prometheus does; says how many bytes came. */
export async function scrape(port: number): Promise<number> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await socket.write(SCRAPE);
  const buffer = new Uint8Array(BUFFER_BYTES);
  const first = await socket.read(buffer) ?? 0;
  if (!new TextDecoder().decode(buffer.subarray(0, first)).startsWith("HTTP/1.1 200")) {
    throw new Error("There is no page");
  }
  let bytes = first;
  for (let more = await socket.read(buffer); more !== null; more = await socket.read(buffer)) bytes += more;
  return bytes;
}

async function openConnections(
  port: number,
  what = HELLO,
): Promise<Disposable & { readonly all: readonly Connection[] }> {
  const all = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(port, what)));
  return { all, [Symbol.dispose]: () => all.forEach((one) => one[Symbol.dispose]()) };
}

async function open(port: number, { request, answerEnd }: Asked): Promise<Connection> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(BUFFER_BYTES);
  await socket.write(request);
  let answer = "";
  while (!answer.endsWith(answerEnd)) {
    const count = await socket.read(buffer);
    if (count === null) throw new Error(`The server closed the connection after "${answer}"`);
    answer += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return { socket, buffer, answerBytes: answer.length, request, [Symbol.dispose]: () => socket.close() };
}

async function read({ socket, buffer }: Connection): Promise<number> {
  const count = await socket.read(buffer);
  if (count === null) throw new Error("The server closed the connection");
  return count;
}
