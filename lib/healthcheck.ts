import { get } from "node:https";
import { text } from "node:stream/consumers";
import { deadline } from "$lib/clock.ts";
import type { CommandParts } from "$lib/command.ts";
import { Failure, messageOf } from "$lib/error.ts";

/** Where a program listens, by its settings. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
  /** Whether it speaks TLS. */
  readonly isSecured?: boolean;
}

const TIMEOUT_MS = 5_000;
/** Addresses that mean every address of the machine, and the one that reaches them from here. */
const LOOPBACK_OF: ReadonlyMap<string, string> = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"], ["[::]", "::1"]]);

/**
 * Asks the program that listens there whether it lives: `/healthz`, since whoever asks (a container's health check)
 * restarts what does not, and a restart mends no database.
 *
 * @returns What it answered.
 * @throws {Failure} `unavailable` when it does not answer with 200 in 5 s.
 */
export async function checkHealth(
  address: ListenAddress,
  { clock, fetch }: Pick<CommandParts, "clock" | "fetch">,
): Promise<string> {
  const url = healthUrl(address);
  using limit = deadline(clock, TIMEOUT_MS);
  try {
    const answer =
      await (address.isSecured ? answerUnverified(url, limit.signal) : fetch(url, { signal: limit.signal }));
    const said = `${url} answers ${answer.status} ${(await answer.text()).trim()}`;
    if (answer.status === 200) return said;
    throw new Failure("unavailable", `Cannot call it healthy: ${said}`);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure("unavailable", `Cannot ask ${url}: ${messageOf(cause)}`, { cause });
  }
}

/** Whoever has the address, with any certificate: it is for the names that clients use, and a probe tells no secret. */
function answerUnverified(url: string, signal: AbortSignal): Promise<Pick<Response, "status" | "text">> {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false, signal, agent: false }, (answer) => {
      resolve({ status: answer.statusCode ?? 0, text: () => text(answer) });
    }).on("error", reject);
  });
}

function healthUrl({ hostname, port, isSecured = false }: ListenAddress): string {
  const host = (LOOPBACK_OF.get(hostname) ?? hostname).replace(/^\[(.*)\]$/, "$1");
  return `${isSecured ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}/healthz`;
}
