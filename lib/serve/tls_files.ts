import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Clock } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";

/** A certificate with those that lead to its authority, and its private key, as PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** The authorities that vouch for clients; absent where clients need no certificate. */
  readonly ca?: string;
}

/** Where a {@linkcode KeyPair} is. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string | undefined;
}

type ReadFile = (path: string) => string;

const REREAD_MS = 10_000;
const CERTIFICATE_END = "-----END CERTIFICATE-----";

/** What is wrong with the files, each with its path; never what is in them. */
export function keyPairFaults(files: KeyPairFiles, readFile: ReadFile): readonly string[] {
  const cert = examined("certificate", files.certFile, { readFile, parse: leafOf });
  const key = examined("private key", files.keyFile, { readFile, parse: privateKeyOf });
  const ca = files.clientCaFile === undefined
    ? {}
    : examined("certificate", files.clientCaFile, { readFile, parse: leafOf });
  const faults = [cert, key, ca].flatMap(({ fault }) => fault ?? []);
  if (cert.value === undefined || key.value === undefined || cert.value.checkPrivateKey(key.value)) return faults;
  return [`"${files.keyFile}" does not hold the private key of the certificate in "${files.certFile}"`];
}

/**
 * Reads the files.
 *
 * @throws {Failure} `invalid_settings`, with every fault, where they can't be used.
 */
export function readKeyPair(files: KeyPairFiles, readFile: ReadFile = Deno.readTextFileSync): KeyPair {
  const texts = new Map<string, string>();
  const readOnce = (path: string) => {
    const text = texts.get(path) ?? readFile(path);
    texts.set(path, text);
    return text;
  };
  const faults = keyPairFaults(files, readOnce);
  if (faults.length > 0) throw new Failure("invalid_settings", `Cannot use the TLS files: ${faults.join("; ")}`);
  const { certFile, keyFile, clientCaFile } = files;
  const ca = clientCaFile === undefined ? {} : { ca: readOnce(clientCaFile) };
  return { cert: readOnce(certFile), key: readOnce(keyFile), ...ca };
}

/** What following the files takes. */
export interface FollowParts {
  readonly clock: Clock;
  readonly log: Log;
  /** What is in use. */
  readonly pair: KeyPair;
  /** Hears of each pair that is to take the former's place, and throws where it can't use it. */
  readonly onChange: (pair: KeyPair) => void;
}

/**
 * Reads the files again every 10 seconds, because who rotates them says nothing. What can't be used, such as one of a
 * pair that is being written, changes nothing and is tried again.
 *
 * @returns Ends it.
 */
export function followKeyPair(files: KeyPairFiles, { clock, log, pair, onChange }: FollowParts): () => void {
  let current = pair;
  let fault: string | undefined;
  let cancel = clock.after(REREAD_MS, look);

  function look(): void {
    cancel = clock.after(REREAD_MS, look);
    try {
      const next = readKeyPair(files);
      const isSame = next.cert === current.cert && next.key === current.key && next.ca === current.ca;
      if (!isSame) onChange(next);
      fault = undefined;
      if (isSame) return;
      current = next;
      log.info("TLS certificate read again", { certificate: files.certFile, validUntil: validUntil(next) });
    } catch (error) {
      if (fault === messageOf(error)) return; // said once
      fault = messageOf(error);
      log.error("TLS certificate can't be read again, so the former one stays", { error });
    }
  }

  return () => cancel();
}

/** When the certificate is over, as RFC 3339. */
function validUntil({ cert }: KeyPair): string {
  return new Date(leafOf(cert).validTo).toISOString();
}

interface Examined<Value> {
  readonly value?: Value;
  readonly fault?: string;
}

interface Examining<Value> {
  readonly readFile: ReadFile;
  readonly parse: (text: string) => Value;
}

function examined<Value>(noun: string, path: string, { readFile, parse }: Examining<Value>): Examined<Value> {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    return { fault: `"${path}" can't be read: ${messageOf(error)}` };
  }
  try {
    return { value: parse(text) };
  } catch {
    return { fault: `"${path}" holds no ${noun} that can be used: one in PEM, not encrypted, is wanted` };
  }
}

/** The first certificate, a server's own; every one must be readable. */
function leafOf(text: string): X509Certificate {
  const all = text.split(CERTIFICATE_END).slice(0, -1).map((one) => new X509Certificate(one + CERTIFICATE_END));
  const [leaf] = all;
  if (leaf === undefined) throw new TypeError("there is no certificate");
  return leaf;
}

function privateKeyOf(text: string): KeyObject {
  return createPrivateKey(text);
}
