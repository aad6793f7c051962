/** Bytes of UTF-8 that a message to the broker may have. */
export const MESSAGE_MAX_BYTES = 4096;

/** The text cut to {@linkcode MESSAGE_MAX_BYTES}, at a character's end. */
export function boundedMessage(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MESSAGE_MAX_BYTES) return text;
  const mark = "…";
  const room = MESSAGE_MAX_BYTES - new TextEncoder().encode(mark).length;
  const cut = new TextDecoder().decode(bytes.subarray(0, room), { stream: true });
  return cut + mark;
}
