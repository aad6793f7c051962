import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Authority } from "./certificates.ts";

/** A server of this machine behind TLS that lets in only who shows a certificate. */
export interface AskingServer extends AsyncDisposable {
  readonly port: number;
  /** Whom the certificate of each request was for, in the order they came. */
  readonly shown: readonly string[];
}

/** Starts one that lets in whom this authority vouches for, and answers all of them the same; 204 when left out. */
export async function startAskingServer(
  authority: Authority,
  answer: (response: ServerResponse) => void = (response) => response.writeHead(204).end(),
): Promise<AskingServer> {
  const shown: string[] = [];
  const tls = { ...await authority.issue(), ca: authority.cert, requestCert: true, rejectUnauthorized: true };
  const server = createServer(tls, (request, response) => {
    shown.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
    request.resume();
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    shown,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
