import { get } from "node:https";
import { text } from "node:stream/consumers";
import { fromHere, hostAndPort, type ListenAddress } from "$lib/addresses.ts";
import { deadline } from "$lib/clock.ts";
import type { CommandParts } from "$lib/program/command.ts";
import { Failure, messageOf } from "$lib/error.ts";

/** Where a program listens, by its settings. */
export interface CheckedAddress extends ListenAddress {
  /** Whether it speaks TLS. */
  readonly isSecured?: boolean;
}

const TIMEOUT_MS = 5_000;

/**
 * Asks the program that listens there whether it lives: `/healthz`, since whoever asks (a container's health check)
 * restarts what does not, and a restart mends no database.
 *
 * @returns What it answered.
 * @throws {Failure} `unavailable` when it does not answer with 200 in 5 s.
 */
export async function checkHealth(
  address: CheckedAddress,
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

function healthUrl({ isSecured = false, ...address }: CheckedAddress): string {
  return `${isSecured ? "https" : "http"}://${hostAndPort(fromHere(address))}/healthz`;
}
