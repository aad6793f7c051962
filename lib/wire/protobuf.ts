const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_DELIMITED = 2;
const FOUR_BYTES = 5;
const FIELD_MAX = 2 ** 29 - 1;
/** Ten groups of seven bits. */
const VARINT_END = 128 ** 10;

/** Bytes are no message in protobuf. */
export class NoProtobuf extends Error {
  override readonly name = "NoProtobuf";
}

/**
 * Calls `visit` with each field of a message, in their order: with its number and, where its type has a length, its
 * bytes.
 *
 * @throws {NoProtobuf} At the first field that is none; those before it were visited.
 */
export function forEachField(bytes: Uint8Array, visit: (field: number, value: Uint8Array | undefined) => void): void {
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field < 1 || field > FIELD_MAX) throw new NoProtobuf();
    visit(field, reader.value(tag % 8));
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Beyond 2 to the 53rd it is no longer exact, but by far too large for whatever it stands for. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < VARINT_END; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new NoProtobuf();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new NoProtobuf();
  }

  value(type: number): Uint8Array | undefined {
    if (type === LENGTH_DELIMITED) return this.#take(this.varint());
    if (type === VARINT) this.varint();
    else if (type === EIGHT_BYTES) this.#take(8);
    else if (type === FOUR_BYTES) this.#take(4);
    else throw new NoProtobuf();
    return undefined;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new NoProtobuf();
    return this.#bytes.subarray(this.#at, this.#at += length);
  }
}
