import { shortened } from "../error.ts";

/** A server in words, and where people set what a connection to it needs. */
export interface ServerNames {
  /** Such as `the broker`. */
  readonly server: string;
  /** Where it is said who vouches for it. */
  readonly authority: string;
  /** Where it is said where it is. */
  readonly address: string;
  /** Where it is said by which certificate a client shows itself. */
  readonly certificate: string;
}

interface Fault {
  readonly sign: RegExp;
  /** What it means, and what is to be looked at. */
  readonly words: (names: ServerNames, found: RegExpExecArray) => string;
}

/** What the TLS library says of a connection that can't be made, by its own words. */
const FAULTS: readonly Fault[] = [
  {
    sign: /invalid peer certificate: UnknownIssuer/,
    words: ({ server, authority }) =>
      `the certificate of ${server} is of no authority that is trusted here: see ${authority}`,
  },
  {
    sign: /certificate not valid for name "?([^";]{1,255})(?:"?; certificate is only valid for (.{1,1000}))?/s,
    words: ({ server, address }, [, name = "", valid = ""]) =>
      `the certificate of ${server} is not for "${name}"${othersOf(valid)}: see ${address}`,
  },
  {
    sign: /invalid peer certificate: (?:certificate expired|certificate not valid yet|Expired|NotValidYet)/,
    words: ({ server }) => `the certificate of ${server} has expired or is not valid yet, by the clock of this machine`,
  },
  {
    sign: /invalid peer certificate/,
    words: ({ server, authority }) => `the certificate of ${server} can't be verified: see it, and ${authority}`,
  },
  {
    sign: /received corrupt message|invalid HTTP version parsed/,
    words: ({ server, address }) => `${server} speaks no TLS there, or nothing else: see ${address}`,
  },
  {
    sign: /received fatal alert: (?:Certificate|BadCertificate|UnknownCA|UnsupportedCertificate|AccessDenied)/,
    words: ({ server, certificate }) => `${server} does not take the certificate of this client: see ${certificate}`,
  },
  {
    sign: /dns error/,
    words: ({ server, address }) => `the name of ${server} is not known here: see ${address}`,
  },
  {
    sign: /unsuccessful tunnel|proxy authentication required|unexpected eof while tunneling/,
    words: ({ server, address }) => `the proxy does not lead to ${server}: see HTTPS_PROXY, NO_PROXY and ${address}`,
  },
];

/** In TLS 1.3 a client has sent its request before the server looks at its certificate, and may miss what that says. */
const CLOSED = /peer closed connection|connection closed|connection reset|broken pipe/i;

/** What is known of a connection besides. */
export interface ConnectionFacts {
  /** Whether the client shows a certificate. */
  readonly showsCertificate: boolean;
}

/** Why no connection came about, in one line that says what to look at; undefined where it is nothing of that kind. */
export function connectionFault(
  error: unknown,
  names: ServerNames,
  { showsCertificate }: ConnectionFacts = { showsCertificate: false },
): string | undefined {
  const text = bottomOf(error);
  for (const { sign, words } of FAULTS) {
    const found = sign.exec(text);
    if (found !== null) return words(names, found);
  }
  if (!showsCertificate || !CLOSED.test(text)) return undefined;
  const { server, certificate } = names;
  return `${server} closed the connection before it answered; where that goes on, it may not take the certificate of this client: see ${certificate}`;
}

/** Whom the certificate is for. */
function othersOf(valid: string): string {
  const names = [...valid.matchAll(/(?:DnsName\("?|IpAddress\()([^")]{1,255})/g)].map(([, name]) => name);
  return names.length === 0 ? "" : `, but for ${shortened(names.join(", "))}`;
}

/** What lies at the bottom of a failed `fetch`, in the words of who met it: its own message says no more than that. */
export function bottomOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? bottomOf(error.cause) : shortened(error.message, 2_000);
}

/** What a client trusts and shows, where it is there: a certificate only with its key. */
export function certificatesOf(
  { ca, cert, key }: Readonly<Record<"ca" | "cert" | "key", string | undefined>>,
): Partial<Deno.TlsCertifiedKeyPem> & { readonly caCerts?: string[] } {
  return {
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** What is the matter with the part that {@linkcode unusablePart} names. */
export const UNUSABLE = {
  authority: "there is no certificate in it that can be read",
  certificate: "they are no certificate and key that can be read and belong together",
} as const;

/** What of a client's options no client can be made of. */
export function unusablePart(
  options: Deno.CreateHttpClientOptions & Partial<Deno.TlsCertifiedKeyPem>,
): "authority" | "certificate" | undefined {
  const { caCerts = [], cert, key } = options;
  if (caCerts.some((text) => !text.includes("-----BEGIN CERTIFICATE-----")) || !isUsable({ caCerts })) {
    return "authority";
  }
  return cert === undefined || key === undefined || isUsable({ cert, key }) ? undefined : "certificate";
}

function isUsable(
  options: Deno.CreateHttpClientOptions | Deno.CreateHttpClientOptions & Deno.TlsCertifiedKeyPem,
): boolean {
  try {
    Deno.createHttpClient(options).close();
    return true;
  } catch {
    return false;
  }
}
