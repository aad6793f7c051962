import { hostAndPort } from "$lib/addresses.ts";
import { type Clock, inTime } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { type ConnectionInfo, type HttpsServer, openHttpsServer, type TlsVersion } from "$lib/serve/https_server.ts";
import type { Log } from "$lib/log.ts";
import type { RequestHandler } from "$lib/serve.ts";
import { followKeyPair, type KeyPair, type KeyPairFiles, readKeyPair } from "$lib/serve/tls_files.ts";

/** Where a {@linkcode RequestHandler} listens. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0 lets the system choose a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Left out: it listens without TLS. */
  readonly tls?: TlsOptions | undefined;
}

/** How a listener speaks TLS. */
export interface TlsOptions extends KeyPairFiles {
  readonly minVersion: TlsVersion;
  readonly connectionsMax: number;
}

/** A request handler that listens. */
export interface Listener {
  /** Where it really listens: the chosen port when 0 was asked for. */
  readonly hostname: string;
  readonly port: number;
  /**
   * Rejects with `cannot_listen` when it ended unasked and could not listen again for a minute: nobody would be
   * answered any more. Nobody need look: one that stops never settles.
   */
  readonly failed: Promise<never>;
  /**
   * Lets requests in flight finish for `graceMs` milliseconds; others get a 503 meanwhile, and nobody can connect
   * after. Then whoever still waits for an answer gets a 503; one that is still being sent a second later ends with the
   * process.
   */
  stop(graceMs: number): Promise<void>;
}

const CUT_OFF_MS = 1_000;
const TRIES_MAX = 60;
const TRY_AGAIN_MS = 1_000;
const CLIENT_DEADLINES = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 75_000, // longer than proxies keep connections, so that it never closes one under a request
  connectionsCheckingInterval: 2_000,
};

/**
 * Listens, and again when it ends unasked, which it does where the process has as many files open as it may: that many
 * connections are enough.
 *
 * @throws {Failure} `cannot_listen` when the address can't be had, `invalid_settings` when the certificate or its key
 * can't be used; says why.
 */
export async function listen(
  handler: RequestHandler,
  { hostname, port, tls, ...parts }: ListenOptions,
): Promise<Listener> {
  const secured = tls === undefined ? undefined : securedOpening(tls, parts);
  const open: Open<Deno.NetAddr> = async (answerer, before) => {
    const address = { hostname, port: before?.port ?? port };
    try {
      return secured === undefined
        ? Deno.serve({ ...address, ...serveOptions(answerer) }, answerer.handle)
        : await secured.open(address, answerer);
    } catch (cause) {
      throw new Failure("cannot_listen", `Cannot listen on ${hostAndPort(address)}: ${whyNot(cause)}`, { cause });
    }
  };
  const { address, failed, stop } = await serving<Deno.NetAddr>(handler, open, { ...parts, triesMax: TRIES_MAX });
  const unfollow = secured?.follow();
  return {
    ...{ hostname: address.hostname, port: address.port, failed },
    async stop(graceMs) {
      unfollow?.();
      await stop(graceMs);
    },
  };
}

/** Opens servers that speak TLS with the certificate as it is by then. */
function securedOpening(tls: TlsOptions, parts: Pick<ListenOptions, "clock" | "log">) {
  let pair = readKeyPair(tls);
  let server: HttpsServer | undefined;
  const onChange = (next: KeyPair) => {
    server?.use(next); // what it refuses opens no other server either
    pair = next;
  };
  return {
    async open(address: Pick<ListenOptions, "hostname" | "port">, { handle, onBroken }: Answerer<Deno.NetAddr>) {
      server = await openHttpsServer(
        { ...address, ...tls, pair, deadlines: CLIENT_DEADLINES, clock: parts.clock, onBroken },
        handle,
      );
      return server;
    },
    follow: () => followKeyPair(tls, { ...parts, pair, onChange }),
  };
}

/**
 * Listens on a unix socket, which it makes; whoever may open it is decided by its mode and its folder's. It is not made
 * again where others may have put something in its place: it fails when it ends.
 */
export async function listenOnSocket(
  handler: RequestHandler,
  { path, ...parts }: Pick<ListenOptions, "clock" | "log"> & { readonly path: string },
): Promise<Pick<Listener, "stop" | "failed">> {
  const open: Open<Deno.UnixAddr> = (answerer) =>
    Promise.resolve(Deno.serve({ path, ...serveOptions(answerer) }, answerer.handle));
  return await serving(handler, open, { ...parts, triesMax: 0 });
}

/** A server of requests; that of `Deno.serve`, or one that stands for it. */
type HttpServer<Address extends Deno.Addr> = Pick<Deno.HttpServer<Address>, "addr" | "finished" | "shutdown">;

type Open<Address extends Deno.Addr> = (
  answerer: Answerer<Address>,
  /** Where it listened before it ended. */
  before?: Address,
) => Promise<HttpServer<Address>>;

interface Answerer<Address extends Deno.Addr> {
  readonly handle: HandleFrom<Address>;
  /** Hears of each answer whose body failed after it was begun. */
  readonly onBroken: (error: unknown) => void;
}

type HandleFrom<Address extends Deno.Addr> = (
  request: Request,
  info: Pick<Deno.ServeHandlerInfo<Address>, "remoteAddr"> & Pick<ConnectionInfo, "isCertified">,
) => Promise<Response>;

interface ServingParts extends Pick<ListenOptions, "clock" | "log"> {
  /** How often it tries to listen again. */
  readonly triesMax: number;
}

async function serving<Address extends Deno.Addr>(
  handler: RequestHandler,
  open: Open<Address>,
  { clock, log, triesMax }: ServingParts,
): Promise<Pick<Listener, "stop" | "failed"> & { readonly address: Address }> {
  const waiting = new Set<() => void>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  let drained: PromiseWithResolvers<void> | undefined;
  let cancelNextTry = () => {};
  const handle: HandleFrom<Address> = (request, { remoteAddr, isCertified }) =>
    handler(request, {
      onCutOff,
      isLate: drained !== undefined,
      isCertified,
      connectionFrom: () => hostOf(remoteAddr),
    });
  const onBroken = (error: unknown) => log.warn("an answer broke off", { error });
  let server = kept(await open({ handle, onBroken }));
  const address = server.addr;

  function onCutOff(work: () => void): () => void {
    waiting.add(work);
    return () => {
      waiting.delete(work);
      if (waiting.size === 0) drained?.resolve();
    };
  }

  function kept(opened: HttpServer<Address>): HttpServer<Address> {
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

  async function listenAgain(tries: number): Promise<void> {
    try {
      server = kept(await open({ handle, onBroken }, address));
      if (drained !== undefined) await server.shutdown();
      else log.info("listening again", { tries });
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

async function endsWithin(
  work: Promise<void>,
  within: { readonly clock: Clock; readonly ms: number },
): Promise<boolean> {
  return await inTime(work.then(() => true), within, () => false);
}

/** Without them Deno prints where it listens, and what broke an answer with its stack, past the log. */
function serveOptions({ onBroken }: Pick<Answerer<Deno.Addr>, "onBroken">) {
  return {
    onListen: () => {},
    onError(error: unknown) {
      onBroken(error);
      return new Response(undefined, { status: 500 }); // nobody gets it: the head is sent
    },
  };
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "the port is in use"],
  ["EADDRNOTAVAIL", "the address is not one of this machine"],
  ["EINVAL", "the address is not one of this machine"], // as Deno's `node:net` says it
  ["EACCES", "the port may not be used by this user"],
]);

function whyNot(error: unknown): string {
  return REASONS.get((error as { readonly code?: string }).code ?? "") ?? messageOf(error);
}
