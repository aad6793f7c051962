import { withBearer } from "$lib/serve/bearer.ts";
import type { Clock } from "$lib/clock.ts";
import { metricsHandler, type PageSource } from "$lib/exposition.ts";
import type { Log } from "$lib/log.ts";
import { listen, type Listener, type TlsOptions } from "$lib/serve/listener.ts";
import { createRequestHandler } from "$lib/serve.ts";
import type { PageSettings } from "$lib/settings.ts";
import { readTokenFile } from "$lib/token.ts";

/** What the page of metrics is made of. */
export interface MetricsPageParts {
  readonly settings: PageSettings;
  readonly registry: PageSource;
  readonly clock: Clock;
  readonly log: Log;
  /** How its own listener speaks TLS, if it does. */
  readonly tls?: TlsOptions | undefined;
  /** How to listen; tests hand in one that does not. */
  readonly listen?: typeof listen;
}

/** Where a program listens. */
export interface Listening extends Pick<Listener, "hostname" | "port"> {
  /** That of `/metrics`, where it has a listener of its own. */
  readonly metricsPort?: number;
}

/** The page of metrics, beside everything else or on a listener of its own. */
export interface MetricsPage {
  /** Answers `/metrics` on the main listener; undefined where that does not serve it. */
  readonly onMain: ((request: Request) => Promise<Response>) | undefined;
  /**
   * Listens on `metrics.port`, where there is one.
   *
   * @returns Where, if so.
   * @throws {Failure} `cannot_listen`.
   */
  start(hostname: string): Promise<Pick<Listening, "metricsPort">>;
  /** Rejects when the listener of its own has ended for good. */
  readonly failed: Promise<never>;
  /** Finishes scrapes in flight, and listens no more. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 1_000;

/** Makes the page that the settings ask for. With `metrics.port` it is served there and nowhere else. */
export function createMetricsPage({ settings, registry, ...parts }: MetricsPageParts): MetricsPage {
  const { clock, log, tls } = parts;
  const { "metrics.port": port, "metrics.bearer_token_file": path } = settings;
  const open = metricsHandler(registry, log);
  const handle = open === undefined || path === undefined
    ? open
    : withBearer(open, { readToken: () => readTokenFile(path), log });
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {}); // nobody need look
  let listener: Listener | undefined;
  return {
    failed,
    onMain: port === undefined ? handle : undefined,
    async start(hostname) {
      if (handle === undefined || port === undefined) return {};
      const host = createRequestHandler({ metrics: handle, clock, log });
      listener = await (parts.listen ?? listen)(host, { hostname, port, tls, clock, log });
      listener.failed.catch(fail);
      return { metricsPort: listener.port };
    },
    stop: async () => await listener?.stop(STOP_GRACE_MS),
  };
}
