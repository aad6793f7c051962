const TEXT = new TextDecoder();

/** One field of a protobuf message: a number of 64 bits as it is, anything of a length as bytes. */
interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** The fields of a protobuf message, in their order. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Field[] = [];
  let at = 0;
  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  function valueOf(wireType: number): Field["value"] {
    if (wireType === 0) return varint();
    const length = wireType === 2 ? Number(varint()) : wireType === 1 ? 8 : 4;
    at += length;
    if (wireType === 2) return bytes.subarray(at - length, at);
    return length === 8 ? view.getBigUint64(at - 8, true) : BigInt(view.getUint32(at - 4, true));
  }
  while (at < bytes.length) {
    const tag = Number(varint());
    fields.push({ number: tag >> 3, value: valueOf(tag & 7) });
  }
  return fields;
}

/** A message whose fields are asked for by number. */
export class Message {
  readonly #fields: readonly Field[];

  constructor(bytes: Uint8Array) {
    this.#fields = fieldsOf(bytes);
  }

  /** All of a repeated field that holds messages, or one that is there once at most. */
  messages(number: number): Message[] {
    return this.#all(number).map((value) => new Message(bytesOf(value)));
  }

  text(number: number): string {
    return this.#all(number).map((value) => TEXT.decode(bytesOf(value))).join("");
  }

  /** A field of bytes, such as an id, in hex. */
  hex(number: number): string {
    return this.#all(number).map((value) => bytesOf(value).toHex()).join("");
  }

  /** 0 where it is left out, as protobuf has it. */
  integer(number: number): bigint {
    const value = this.#all(number).at(-1) ?? 0n;
    return typeof value === "bigint" ? value : 0n;
  }

  double(number: number): number | undefined {
    const bits = this.#all(number).at(-1);
    return typeof bits === "bigint" ? doubleOf(bits) : undefined;
  }

  has(number: number): boolean {
    return this.#all(number).length > 0;
  }

  /** A packed field of numbers of 64 bits. */
  integers(number: number): bigint[] {
    return this.#all(number).flatMap((value) => packed(bytesOf(value)));
  }

  /** A packed field of doubles. */
  doubles(number: number): number[] {
    return this.integers(number).map(doubleOf);
  }

  #all(number: number): Field["value"][] {
    return this.#fields.filter((field) => field.number === number).map(({ value }) => value);
  }
}

function bytesOf(value: Field["value"]): Uint8Array {
  if (typeof value === "bigint") throw new TypeError("A protobuf field holds a number, where bytes are wanted");
  return value;
}

function packed(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, at) => view.getBigUint64(at * 8, true));
}

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
