import { Buffer } from "node:buffer";
import type { TlsOptions } from "$lib/serve/listener.ts";

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of a test. */
export interface Authority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  /** A certificate for 127.0.0.1 and these names, good for a server and for a client. */
  issue(...names: readonly string[]): Promise<Certificate>;
}

/** Files of a certificate and its key, as a listener wants them. */
export interface TlsFiles extends AsyncDisposable {
  readonly folder: string;
  readonly tls: TlsOptions;
  /** Puts another certificate in the former's place, the certificate first and then its key. */
  replace(certificate: Certificate): Promise<void>;
}

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const LOOPBACK = [127, 0, 0, 1];

/** Makes an authority that nobody else knows. */
export async function makeAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const cert = await signed(keys, { issuer: name, subject: name, of: keys, extensions: [IS_AUTHORITY] });
  return {
    cert,
    async issue(...names) {
      const own = await newKeys();
      const subject = { issuer: name, subject: names[0] ?? "127.0.0.1", of: own, extensions: [namesOf(names)] };
      const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", own.privateKey));
      return { cert: await signed(keys, subject), key: pem("PRIVATE KEY", pkcs8) };
    },
  };
}

/** Writes a certificate and its key into a folder that goes with them. */
export async function tlsFiles(certificate: Certificate): Promise<TlsFiles> {
  const folder = await Deno.makeTempDir();
  const [certFile, keyFile] = [`${folder}/tls.crt`, `${folder}/tls.key`];
  async function replace({ cert, key }: Certificate): Promise<void> {
    await Deno.writeTextFile(certFile, cert);
    await Deno.writeTextFile(keyFile, key);
  }
  await replace(certificate);
  return {
    folder,
    tls: { certFile, keyFile, minVersion: "TLSv1.2", connectionsMax: 100 },
    replace,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function newKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]) as CryptoKeyPair;
}

interface Subject {
  readonly issuer: string;
  readonly subject: string;
  readonly of: CryptoKeyPair;
  readonly extensions: readonly Uint8Array[];
}

async function signed(by: CryptoKeyPair, { issuer, subject, of, extensions }: Subject): Promise<string> {
  const content = sequence(
    der(0xa0, der(0x02, [2])), // version 3
    der(0x02, [1, ...crypto.getRandomValues(new Uint8Array(8))]),
    ALGORITHM,
    commonName(issuer),
    sequence(time("20200101000000Z"), time("20991231235959Z")),
    commonName(subject),
    new Uint8Array(await crypto.subtle.exportKey("spki", of.publicKey)),
    der(0xa3, sequence(...extensions)),
  );
  const raw = new Uint8Array(await crypto.subtle.sign(SIGNATURE, by.privateKey, content));
  const signature = sequence(positive(raw.subarray(0, 32)), positive(raw.subarray(32)));
  return pem("CERTIFICATE", sequence(content, ALGORITHM, der(0x03, [0], signature)));
}

/** `ecdsa-with-SHA256`. */
const ALGORITHM = sequence(der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
/** `basicConstraints`, critical: an authority. */
const IS_AUTHORITY = sequence(
  der(0x06, [0x55, 0x1d, 0x13]),
  der(0x01, [0xff]),
  der(0x04, sequence(der(0x01, [0xff]))),
);

/** `subjectAltName`. */
function namesOf(names: readonly string[]): Uint8Array {
  const all = [der(0x87, LOOPBACK), ...names.map((name) => der(0x82, new TextEncoder().encode(name)))];
  return sequence(der(0x06, [0x55, 0x1d, 0x11]), der(0x04, sequence(...all)));
}

function commonName(name: string): Uint8Array {
  return sequence(der(0x31, sequence(der(0x06, [0x55, 0x04, 0x03]), der(0x0c, new TextEncoder().encode(name)))));
}

function time(text: string): Uint8Array {
  return der(0x18, new TextEncoder().encode(text));
}

function positive(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(start);
  return der(0x02, (digits[0] ?? 0) >= 0x80 ? [0] : [], digits);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return der(0x30, ...parts);
}

/** One value of ASN.1's DER: tag, length, content. */
function der(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const content = parts.flatMap((part) => [...part]);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Uint8Array.from([tag, ...length, ...content]);
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
