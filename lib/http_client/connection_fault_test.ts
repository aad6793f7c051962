import assert from "node:assert/strict";
import { connectionFault } from "./connection_fault.ts";

const NAMES = { server: "the server", authority: "AUTHORITY", address: "ADDRESS", certificate: "CERTIFICATE" };
const UNKNOWN = "the certificate of the server is of no authority that is trusted here: see AUTHORITY";
const OLD = "the certificate of the server has expired or is not valid yet, by the clock of this machine";
const REFUSED = "the server does not take the certificate of this client: see CERTIFICATE";

const NO_TUNNEL = "the proxy does not lead to the server: see HTTPS_PROXY, NO_PROXY and ADDRESS";

const SAID: readonly (readonly [text: string, words: string | undefined])[] = [
  ["invalid peer certificate: UnknownIssuer", UNKNOWN],
  [
    'invalid peer certificate: certificate not valid for name "a.example"; certificate is only valid for DnsName("b.example")',
    'the certificate of the server is not for "a.example", but for b.example: see ADDRESS',
  ],
  [
    'invalid peer certificate: certificate not valid for name "a.example"; certificate is not valid for any names',
    'the certificate of the server is not for "a.example": see ADDRESS',
  ],
  ["invalid peer certificate: certificate expired: verification time 2 (UNIX)", OLD],
  ["invalid peer certificate: certificate not valid yet: verification time 2 (UNIX)", OLD],
  [
    "invalid peer certificate: BadSignature",
    "the certificate of the server can't be verified: see it, and AUTHORITY",
  ],
  ["received fatal alert: CertificateRequired", REFUSED],
  ["received fatal alert: UnknownCA", REFUSED],
  [
    "dns error: failed to lookup address information: Name or service not known",
    "the name of the server is not known here: see ADDRESS",
  ],
  ["unsuccessful tunnel", NO_TUNNEL],
  ["proxy authentication required", NO_TUNNEL],
  ["unexpected eof while tunneling", NO_TUNNEL],
  ["tcp connect error: Connection refused (os error 111)", undefined],
  ["Timed out after 15000 ms", undefined],
];

for (const [text, words] of SAID) {
  Deno.test(`connectionFault() says of "${text}" ${words === undefined ? "nothing" : "what to look at"}`, () => {
    const cause = new Error(`error sending request for url (https://a.example/): client error (Connect): ${text}`);

    assert.equal(connectionFault(new TypeError("fetch failed", { cause }), NAMES), words);
  });
}

Deno.test("connectionFault() says of a connection that closes what a certificate may have to do with it, where one is shown", () => {
  const texts = [
    "peer closed connection without sending TLS close_notify",
    "client error (SendRequest): connection closed before message completed",
    "connection closed",
    "Connection reset by peer (os error 104)",
    "stream closed because of a broken pipe",
  ];

  for (const text of texts) {
    assert.equal(connectionFault(new Error(text), NAMES), undefined);
    assert.equal(connectionFault(new Error(text), NAMES, { showsCertificate: false }), undefined);
    assert.equal(
      connectionFault(new Error(text), NAMES, { showsCertificate: true }),
      "the server closed the connection before it answered; where that goes on, it may not take the certificate of this client: see CERTIFICATE",
    );
  }
  assert.equal(connectionFault(new Error("Connection refused"), NAMES, { showsCertificate: true }), undefined);
  assert.equal(connectionFault(new Error("UnknownCA"), NAMES, { showsCertificate: true }), undefined);
});
