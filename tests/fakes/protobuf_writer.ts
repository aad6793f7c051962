/** A field of a protobuf message whose type has a length: bytes, a text, or a message's fields. */
export function field(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return joined(varint(BigInt(number) * 8n + 2n), varint(bytes.length), bytes);
}

/** A field that is a whole number. */
export function numberField(number: number, value: number | bigint): Uint8Array {
  return joined(varint(BigInt(number) * 8n), varint(value));
}

/** A whole number of up to 64 bits, and beyond, as protobuf writes it. */
export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** All of them, one after the other: the fields of a message. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An attribute with a text. */
export function attribute(key: string, text: string): Uint8Array {
  return field(1, joined(field(1, key), field(2, field(1, text))));
}

/**
 * The export of one Resource with texts for attributes, and with whatever `items` are (`scope_metrics` and the like).
 */
export function exportOf(attributes: Readonly<Record<string, string>>, items: Uint8Array = new Uint8Array()) {
  const resource = field(1, joined(...Object.entries(attributes).map(([key, text]) => attribute(key, text))));
  return field(1, joined(resource, items));
}
