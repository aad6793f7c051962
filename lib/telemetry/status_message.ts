/** Field number of `google.rpc.Status`. */
const MESSAGE = 2;
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * The words of a `google.rpc.Status` in protobuf, by which a receiver says why it refuses a request; empty where there
 * are none, or it is something else.
 */
export function statusMessage(bytes: Uint8Array): string {
  let at = 0;
  function varint(): number {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return NaN;
  }
  while (at < bytes.length) {
    const tag = varint();
    const number = varint(); // a value, or the length of one
    if (tag % 8 === VARINT) continue;
    if (tag % 8 !== LENGTH_DELIMITED || !(number <= bytes.length - at)) return "";
    const value = bytes.subarray(at, at += number);
    if (tag === MESSAGE * 8 + LENGTH_DELIMITED) return new TextDecoder().decode(value);
  }
  return "";
}
