import assert from "node:assert/strict";
import { keyPairFaults, readKeyPair } from "$lib/tls_files.ts";
import { makeAuthority } from "../tests/fakes/certificates.ts";

const AUTHORITY = await makeAuthority("Test CA");
const [ONE, OTHER] = [await AUTHORITY.issue(), await AUTHORITY.issue()];
const FILES = { certFile: "/tls.crt", keyFile: "/tls.key" };

function faults(texts: Readonly<Record<string, string>>): readonly string[] {
  return keyPairFaults(FILES, (path) => {
    const text = texts[path];
    if (text === undefined) throw new Error("no such file");
    return text;
  });
}

Deno.test("keyPairFaults() finds nothing wrong with a certificate, those that follow it and its key", () => {
  assert.deepEqual(faults({ "/tls.crt": ONE.cert, "/tls.key": ONE.key }), []);
  assert.deepEqual(faults({ "/tls.crt": `${ONE.cert}${AUTHORITY.cert}`, "/tls.key": ONE.key }), []);
});

Deno.test("keyPairFaults() names each file that can't be read", () => {
  assert.deepEqual(faults({}), [
    '"/tls.crt" can\'t be read: no such file',
    '"/tls.key" can\'t be read: no such file',
  ]);
});

Deno.test("keyPairFaults() says which file holds something else, and never what", () => {
  const encrypted = ONE.key.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");

  assert.deepEqual(faults({ "/tls.crt": ONE.key, "/tls.key": ONE.cert }), [
    '"/tls.crt" holds no certificate that can be used: one in PEM, not encrypted, is wanted',
    '"/tls.key" holds no private key that can be used: one in PEM, not encrypted, is wanted',
  ]);
  assert.deepEqual(faults({ "/tls.crt": `${ONE.cert}${ONE.cert.replace("MII", "AAA")}`, "/tls.key": encrypted }), [
    '"/tls.crt" holds no certificate that can be used: one in PEM, not encrypted, is wanted',
    '"/tls.key" holds no private key that can be used: one in PEM, not encrypted, is wanted',
  ]);
});

Deno.test("keyPairFaults() finds a key that is another certificate's", () => {
  assert.deepEqual(faults({ "/tls.crt": ONE.cert, "/tls.key": OTHER.key }), [
    '"/tls.key" does not hold the private key of the certificate in "/tls.crt"',
  ]);
});

Deno.test("readKeyPair() fails with every fault", () => {
  assert.throws(() => readKeyPair(FILES, () => ""), {
    code: "invalid_settings",
    message: /^Cannot use the TLS files: "\/tls\.crt" holds no certificate .*; "\/tls\.key" holds no private key/,
  });
});
