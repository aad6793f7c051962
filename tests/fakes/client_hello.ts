/** What may be odd about a greeting. */
export interface HelloOptions {
  /** Which protocols it offers to speak inside. */
  readonly protocols?: readonly string[];
  /** How many bytes say nothing. */
  readonly padding?: number;
}

const UTF8 = new TextEncoder();
/** A record of TLS that is part of a handshake. */
const HANDSHAKE_RECORD = [22, 3, 1];
const X25519 = [0, 29];

/** The bytes with which a client begins TLS 1.3, for a server of any name, one that no library would send too. */
export function clientHello(
  serverName: string,
  { protocols = [], padding = 0 }: HelloOptions = {},
): Uint8Array<ArrayBuffer> {
  const name = [...UTF8.encode(serverName)];
  const offered = protocols.flatMap((protocol) => [protocol.length, ...UTF8.encode(protocol)]);
  const extensions = [
    ...extension(0, sized([0, ...sized(name)])),
    ...extension(10, sized([...X25519, 0, 23])), // groups
    ...extension(13, sized([4, 3, 8, 4, 8, 7])), // signatures
    ...extension(43, [2, 3, 4]), // TLS 1.3
    ...extension(51, sized([...X25519, ...sized(randomBytes())])),
    ...(protocols.length === 0 ? [] : extension(16, sized(offered))),
    ...(padding === 0 ? [] : extension(21, Array<number>(padding).fill(0))),
  ];
  const ciphers = sized([0x13, 1, 0x13, 2]);
  const body = [3, 3, ...randomBytes(), 32, ...randomBytes(), ...ciphers, 1, 0, ...sized(extensions)];
  return new Uint8Array([...HANDSHAKE_RECORD, ...sized([1, 0, ...sized(body)])]);
}

/** Behind their number, in two bytes. */
function sized(bytes: readonly number[]): readonly number[] {
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

function extension(type: number, bytes: readonly number[]): readonly number[] {
  return [0, type, ...sized(bytes)];
}

function randomBytes(): readonly number[] {
  return [...crypto.getRandomValues(new Uint8Array(32))];
}
