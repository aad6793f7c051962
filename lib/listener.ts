import type { Clock } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { RequestHandler } from "$lib/serve.ts";

/** Where a {@linkcode RequestHandler} listens. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0 lets the system choose a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A request handler that listens. */
export interface Listener {
  /** Where it really listens: the chosen port when 0 was asked for. */
  readonly hostname: string;
  readonly port: number;
  /**
   * Rejects with `cannot_listen` when it ended unasked and could not listen again for a minute: nobody would be answered
   * any more. Nobody need look: one that stops never settles.
   */
  readonly failed: Promise<never>;
  /**
   * Lets requests in flight finish for `graceMs` milliseconds; others get a 503 meanwhile, and nobody can connect after.
   * Then whoever still waits for an answer gets a 503; one that is still being sent a second later ends with the process.
   */
  stop(graceMs: number): Promise<void>;
}

const CUT_OFF_MS = 1_000;
const TRIES_MAX = 60;
const TRY_AGAIN_MS = 1_000;

/**
 * Listens at once, and again when it ends unasked, which it does where the process has as many files open as it may:
 * that many connections are enough.
 *
 * @throws {Failure} `cannot_listen` when the address can't be had; says why.
 */
export function listen(handler: RequestHandler, { hostname, port, ...parts }: ListenOptions): Listener {
  const open: Open<Deno.NetAddr> = (handler, before) => serve({ hostname, port: before?.port ?? port }, handler);
  const { address, failed, stop } = serving<Deno.NetAddr>(handler, open, { ...parts, triesMax: TRIES_MAX });
  return { hostname: address.hostname, port: address.port, failed, stop };
}

/**
 * Listens at once on a unix socket, which it makes; whoever may open it is decided by its mode and its folder's. It is not
 * made again where others may have put something in its place: it fails when it ends.
 */
export function listenOnSocket(
  handler: RequestHandler,
  { path, ...parts }: Pick<ListenOptions, "clock" | "log"> & { readonly path: string },
): Pick<Listener, "stop" | "failed"> {
  const open: Open<Deno.UnixAddr> = (handler) => Deno.serve({ path, onListen: () => {} }, handler);
  return serving(handler, open, { ...parts, triesMax: 0 });
}

type Open<Address extends Deno.Addr> = (
  handler: Deno.ServeHandler<Address>,
  /** Where it listened before it ended. */
  before?: Address,
) => Deno.HttpServer<Address>;

interface ServingParts extends Pick<ListenOptions, "clock" | "log"> {
  /** How often it tries to listen again. */
  readonly triesMax: number;
}

function serving<Address extends Deno.Addr>(
  handler: RequestHandler,
  open: Open<Address>,
  { clock, log, triesMax }: ServingParts,
): Pick<Listener, "stop" | "failed"> & { readonly address: Address } {
  const waiting = new Set<() => void>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  let drained: PromiseWithResolvers<void> | undefined;
  let cancelNextTry = () => {};
  const handle = (request: Request, { remoteAddr }: Deno.ServeHandlerInfo<Address>) =>
    handler(request, { onCutOff, isLate: drained !== undefined, connectionFrom: () => hostOf(remoteAddr) });
  let server = kept(open(handle));
  const address = server.addr;

  function onCutOff(work: () => void): () => void {
    waiting.add(work);
    return () => {
      waiting.delete(work);
      if (waiting.size === 0) drained?.resolve();
    };
  }

  function kept(opened: Deno.HttpServer<Address>): Deno.HttpServer<Address> {
    opened.finished.catch((error) => error).then((error) => {
      if (drained !== undefined) return;
      log.error("the listener has ended", { error });
      listenSoon(error, 1);
    });
    return opened;
  }

  /** After a pause: what ended it will mostly not be over at once. */
  function listenSoon(cause: unknown, tries: number): void {
    if (tries > triesMax) {
      return ended.reject(new Failure("cannot_listen", "Cannot listen any more: the listener has ended", { cause }));
    }
    cancelNextTry = clock.after(TRY_AGAIN_MS, () => listenAgain(tries));
  }

  function listenAgain(tries: number): void {
    try {
      server = kept(open(handle, address));
      log.info("listening again", { tries });
    } catch (error) {
      listenSoon(error, tries + 1);
    }
  }

  return {
    address,
    failed: ended.promise,
    async stop(graceMs) {
      const endMs = clock.monotonic() + graceMs;
      drained = Promise.withResolvers();
      cancelNextTry();
      if (waiting.size === 0) drained.resolve();
      if (!await endsWithin(drained.promise, { clock, ms: graceMs })) {
        log.warn("requests in flight were cut off", { graceSeconds: graceMs / 1_000 });
        for (const cutOff of waiting) cutOff();
      }
      // Only now: it would break the bodies that requests in flight have not read yet.
      const shutdown = server.shutdown().catch(() => {}); // of one that has ended there is nothing to shut down
      await endsWithin(shutdown, { clock, ms: Math.max(CUT_OFF_MS, endMs - clock.monotonic()) });
    },
  };
}

function hostOf(address: Deno.Addr): string {
  return "hostname" in address ? address.hostname : "";
}

async function endsWithin(work: Promise<void>, { clock, ms }: { clock: Clock; ms: number }): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const cancel = clock.after(ms, () => resolve(false));
  return await Promise.race([work.then(() => true), promise]).finally(cancel);
}

function serve(
  { hostname, port }: Pick<ListenOptions, "hostname" | "port">,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handler);
  } catch (cause) {
    const place = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    throw new Failure("cannot_listen", `Cannot listen on ${place}: ${whyNot(cause)}`, { cause });
  }
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the port is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not one of this machine";
  if (error instanceof Deno.errors.PermissionDenied) return "the port may not be used by this user";
  return messageOf(error);
}
