import { forEachField, NoProtobuf } from "$lib/wire/protobuf.ts";

/** Field number of `google.rpc.Status`. */
const MESSAGE = 2;

/**
 * The words of a `google.rpc.Status` in protobuf, by which a receiver says why it refuses a request; empty where there
 * are none, or it is something else.
 */
export function statusMessage(bytes: Uint8Array): string {
  let message: Uint8Array | undefined;
  try {
    forEachField(bytes, (field, value) => {
      if (field === MESSAGE) message ??= value;
    });
  } catch (error) {
    if (!(error instanceof NoProtobuf)) throw error;
  }
  return new TextDecoder().decode(message);
}
