/** What came back. */
export interface Answer {
  readonly status: number;
  readonly etag: string | undefined;
  /** Seconds for which the broker asks to be left alone; 0 where it does not. */
  readonly retryAfterSeconds: number;
  /** The body; empty where it was larger than the buffer, which only what skips it may let happen. */
  readonly text: () => string;
}

const END_OF_HEAD = [13, 10, 13, 10];
const BUFFER_BYTES = 1024 * 1024;
const UTF8 = new TextDecoder();

/**
 * One keep-alive connection, written for a bench: `fetch` would take more of the machine than the server that is to be
 * measured. It knows answers with a `content-length`, and those that never have a body.
 */
export class Connection implements Disposable {
  readonly #tcp: Deno.TcpConn;
  readonly #buffer: Uint8Array;
  readonly #decoder = new TextDecoder("latin1");

  private constructor(tcp: Deno.TcpConn, bufferBytes: number) {
    this.#tcp = tcp;
    this.#buffer = new Uint8Array(bufferBytes);
  }

  /** Connects to the server of a URL; the buffer must have room for the head of an answer. */
  static async open(url: string, bufferBytes = BUFFER_BYTES): Promise<Connection> {
    const { hostname, port } = new URL(url);
    return new Connection(await Deno.connect({ hostname, port: Number(port) }), bufferBytes);
  }

  /** Sends a whole request and reads the whole answer. */
  async ask(request: Uint8Array): Promise<Answer> {
    let sent = 0;
    while (sent < request.length) sent += await this.#tcp.write(request.subarray(sent));
    let size = 0;
    let headSize = -1;
    while (headSize < 0) {
      size += await this.#read(size);
      headSize = endOfHead(this.#buffer, size);
    }
    const head = this.#decoder.decode(this.#buffer.subarray(0, headSize));
    const status = Number(head.slice(9, 12));
    const wholeSize = headSize + bodySize(status, head);
    const room = this.#buffer.length;
    while (size < wholeSize) size += await this.#read(size % room);
    const text = () => wholeSize > room ? "" : UTF8.decode(this.#buffer.subarray(headSize, wholeSize));
    return {
      status,
      etag: /\r\netag: (.*)\r\n/i.exec(head)?.[1],
      retryAfterSeconds: Number(/\r\nretry-after: (\d+)\r\n/i.exec(head)?.[1] ?? 0),
      text,
    };
  }

  [Symbol.dispose](): void {
    this.#tcp.close();
  }

  async #read(offset: number): Promise<number> {
    const count = await this.#tcp.read(this.#buffer.subarray(offset));
    if (count === null) throw new Error("Cannot read an answer: the broker has closed the connection");
    return count;
  }
}

function endOfHead(buffer: Uint8Array, size: number): number {
  for (let start = buffer.indexOf(13); start >= 0 && start + 4 <= size; start = buffer.indexOf(13, start + 1)) {
    if (END_OF_HEAD.every((byte, index) => buffer[start + index] === byte)) return start + END_OF_HEAD.length;
  }
  return -1;
}

function bodySize(status: number, head: string): number {
  if (status === 204 || status === 304) return 0;
  const given = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
  if (given === undefined) throw new Error(`Cannot tell where an answer ends: ${head}`);
  return Number(given);
}
