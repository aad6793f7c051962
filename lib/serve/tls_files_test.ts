import assert from "node:assert/strict";
import { followKeyPair, keyPairFaults, type KeyPairFiles, readKeyPair } from "$lib/serve/tls_files.ts";
import { makeAuthority, tlsFiles } from "../../tests/fakes/certificates.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";

const AUTHORITY = await makeAuthority("Test CA");
const [ONE, OTHER] = [await AUTHORITY.issue(), await AUTHORITY.issue()];
const FILES = { certFile: "/tls.crt", keyFile: "/tls.key" };

function faults(texts: Readonly<Record<string, string>>, files: KeyPairFiles = FILES): readonly string[] {
  return keyPairFaults(files, (path) => {
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

Deno.test("keyPairFaults() says what is wrong with the authorities of clients, where there are to be some", () => {
  const texts: Readonly<Record<string, string>> = { "/tls.crt": ONE.cert, "/tls.key": ONE.key, "/ca.crt": ONE.key };
  const faultsWith = (clientCaFile: string) => faults(texts, { ...FILES, clientCaFile });

  assert.deepEqual(faultsWith("/tls.crt"), []);
  assert.deepEqual(faultsWith("/ca.crt"), [
    '"/ca.crt" holds no certificate that can be used: one in PEM, not encrypted, is wanted',
  ]);
  assert.deepEqual(faultsWith("/nowhere"), ['"/nowhere" can\'t be read: no such file']);
});

Deno.test("readKeyPair() fails with every fault", () => {
  assert.throws(() => readKeyPair(FILES, () => ""), {
    code: "invalid_settings",
    message: /^Cannot use the TLS files: "\/tls\.crt" holds no certificate .*; "\/tls\.key" holds no private key/,
  });
});

Deno.test("followKeyPair() tries a pair again that its listener can't use, and says so once", async () => {
  await using files = await tlsFiles(ONE);
  const clock = new ManualClock();
  const [errors, heard]: [unknown[], string[]] = [[], []];
  const log = { ...silentLog(), error: (...line: readonly unknown[]) => void errors.push(line) };
  const onChange = ({ cert }: { readonly cert: string }) => {
    heard.push(cert);
    throw new Error("the key is too small");
  };
  const unfollow = followKeyPair(files.tls, { clock, log, pair: readKeyPair(files.tls), onChange });

  await files.replace(OTHER);
  for (let looks = 0; looks < 3; looks += 1) await clock.advance(10_000);
  unfollow();

  assert.deepEqual(heard, [OTHER.cert, OTHER.cert, OTHER.cert]);
  assert.equal(errors.length, 1);
});
