import {
  AGENT_ONLY,
  boolean,
  BROKER,
  choice,
  type Declarations,
  integer,
  list,
  listenAddress,
  matching,
  otlpFaults,
  pageFaults,
  readSettings,
  seconds,
  setting,
  type SettingsOf,
  type SettingSources,
  type SettingType,
  SHARED_SETTINGS,
  text,
  url,
} from "$lib/settings.ts";
import { messageOf } from "$lib/error.ts";
import type { TlsOptions } from "$lib/serve/listener.ts";
import { keyPairFaults } from "$lib/serve/tls_files.ts";
import { isAddressOrNetwork } from "./http/client_address.ts";
import type { ConnectivityLimits } from "./domain/agent.ts";
import { refuseKnownKey } from "./domain/pak.ts";

const DAY_MAX = 36_500;

/** Every setting of the broker. */
export const SETTINGS = [
  ...SHARED_SETTINGS,
  setting({
    key: "database.url",
    type: matching(/^postgres(ql)?:\/\/[^]+$/, "a URL that starts with postgres:// or postgresql://"),
    secret: true,
    help: "The PostgreSQL database. Without it the broker uses an embedded one in data_dir, for evaluation and tests.",
  }),
  setting({
    key: "database.pooled",
    type: boolean(),
    default: false,
    help:
      "Whether database.url is that of a pooler in transaction mode, such as PgBouncer, whose role has database.schema as its search_path; wants database.listen_url.",
  }),
  setting({
    key: "database.listen_url",
    type: matching(/^postgres(ql)?:\/\/[^]+$/, "a URL that starts with postgres:// or postgresql://"),
    secret: true,
    help: "The PostgreSQL server behind the pooler, for notices and migrations; only with database.pooled.",
  }),
  setting({
    key: "database.schema",
    type: matching(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "a name of letters, digits and _"),
    default: "public",
    help: "The schema of the broker's tables; created at the first start.",
  }),
  setting({
    key: "database.pool_size",
    type: integer({ min: 3, max: 1_000 }),
    default: 10,
    help:
      "Maximum number of connections to PostgreSQL, shared so that none keeps another waiting: one for the gauges, a third of the rest for submissions, settling, purges and people, the others for keys, polls, heartbeats and reports. Notices and migrations have one each besides; the embedded database has one in all.",
  }),
  setting({
    key: "data_dir",
    type: text(),
    default: ".brokkr",
    help: "The folder of the embedded database and of the first admin key.",
  }),
  setting({
    key: "metrics.refresh_interval",
    type: seconds({ min: 1, max: 60 }), // BrokkrGaugesStale fires above 120
    default: 15,
    help:
      "How often the gauges read from the database are refreshed. Changes show within a second where that takes 50 ms or less, later in proportion where it takes longer.",
  }),
  setting({
    key: "broker.listen",
    type: listenAddress(),
    default: "0.0.0.0:3000",
    help: "Where the API, the probes and `/metrics` are served.",
  }),
  setting({
    key: "broker.tls_cert_file",
    type: text(),
    help:
      "The certificate that broker.listen and metrics.port speak TLS with, in PEM, those that lead to its authority after it; read again every 10 seconds. Without it they speak plain HTTP.",
  }),
  setting({
    key: "broker.tls_key_file",
    type: text(),
    help: "The private key of broker.tls_cert_file, in PEM and not encrypted; read again with it.",
  }),
  setting({
    key: "broker.tls_client_ca_file",
    type: text(),
    help:
      "Authorities (PEM) of which clients must show a certificate, beside their key and never instead of it; read again with the others. `/healthz`, `/readyz` and `/metrics` need none. Without it nobody is asked for one.",
  }),
  setting({
    key: "broker.tls_min_version",
    type: choice(["1.2", "1.3"]),
    default: "1.2",
    help: "The least version of TLS that clients may speak.",
  }),
  setting({
    key: "broker.tls_connections_max",
    type: integer({ min: 1, max: 1_000_000 }),
    default: 20_000,
    help:
      "Maximum number of connections at once, with TLS; further ones are closed at once. Without TLS only a proxy can bound them.",
  }),
  setting({
    key: "broker.max_body_bytes",
    type: integer({ min: 1_024, max: 1_073_741_824 }),
    default: 8_388_608,
    help: "Maximum size of a request body; a larger one is refused with 413 too_large.",
  }),
  setting({
    key: "broker.max_in_flight",
    type: integer({ min: 1, max: 100_000 }),
    default: 1_000,
    help:
      "Maximum number of requests that are answered at once; more are refused with 503 and Retry-After. Four fifths of them at most are of agents, and as many of everybody else, so that neither shuts the other out; one key has a quarter of them at most, but 16 in any case. Requests that are held, probes and `/metrics` are not among them.",
  }),
  setting({
    key: "broker.pak_hash",
    type: matching(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits"),
    help: "The SHA-256 of the long part of the first admin key. Without it, the first start creates a key.",
  }),
  setting({
    key: "broker.allow_known_dev_key",
    type: boolean(),
    default: false,
    help: "Whether broker.pak_hash may be that of the published development key.",
  }),
  setting({
    key: "broker.auth_cache_ttl_seconds",
    type: seconds({ max: 86_400 }),
    default: 60,
    help:
      "How long an authentication result is cached; a key that is changed still stops working at once. 0: no cache.",
  }),
  setting({
    key: "broker.trusted_proxies",
    type: list(addressOrNetwork()),
    default: "",
    help:
      "The proxies before the broker, as addresses or networks: `X-Forwarded-For` is believed from them only. Failures to authenticate are charged to the address they come from.",
  }),
  setting({
    key: "broker.wake_spread_ms",
    type: integer({ max: 60_000 }),
    default: 2_000,
    help:
      "Milliseconds over which 5,000 agents that wait for one change are told of it, others in proportion; the first 20 hear it at once. From 16 requests in flight on it takes longer, so that a rollout goes as fast as the machine; 0 tells all at once.",
  }),
  setting({
    key: "broker.agent_events_retention_days",
    type: integer({ max: DAY_MAX }),
    default: 30,
    help: "Days after which agents' events are deleted; 0 keeps them.",
  }),
  setting({
    key: "broker.deployment_objects_kept",
    type: integer({ min: 1, max: 100_000 }),
    default: 20,
    help:
      "How many deployment objects of each stack keep their manifests, the newest ones; those that an agent is to have, or has, keep theirs besides.",
  }),
  setting({
    key: "agents.late_after_seconds",
    type: seconds({ min: 1 }),
    default: 60,
    help: "Age of its last heartbeat from which an agent is late; less than agents.lost_after_seconds.",
  }),
  setting({
    key: "agents.lost_after_seconds",
    type: seconds({ min: 1 }),
    default: 300,
    help: "Age of its last heartbeat from which an agent is lost.",
  }),
  setting({
    key: "deliveries.slo_seconds",
    type: seconds({ min: 1, max: 86_400 }),
    default: 300,
    help:
      "How long a delivery may take to become healthy, from when its object is desired: `brokkr_delivery_slo_total` counts those that do not as late.",
  }),
  setting({
    key: "cors.allowed_origins",
    type: list(matching(/^(\*|https?:\/\/[^/\s]+)$/, "an origin such as https://example.org, or *")),
    default: "",
    help: "The origins whose pages may use the API from a browser.",
  }),
  setting({
    key: "console.enabled",
    type: boolean(),
    default: true,
    help: "Whether there is a page for people at `/console`, to which a key signs in.",
  }),
  setting({
    key: "console.group_by",
    type: matching(/^\S{1,64}$/, "the key of an annotation, 1 to 64 characters without white space"),
    help: "The annotation by whose values the console groups agents, such as region. Without it: by their health.",
  }),
  setting({
    key: "console.trace_url",
    type: traceUrl(),
    help:
      "Where the console's links to traces lead: a URL with {trace_id} in it, such as https://traces.example.org/trace/{trace_id}. Without it the console shows their ids.",
  }),
] as const;

/** The values of {@linkcode SETTINGS}, by key. */
export type BrokerSettings = SettingsOf<typeof SETTINGS>;

/** What the broker can be told, and what it passes over. */
export const DECLARATIONS: Declarations<typeof SETTINGS> = {
  settings: SETTINGS,
  passedOver: AGENT_ONLY,
  rules: (settings, surroundings) => [
    ...pooledFaults(settings),
    ...knownKeyFaults(settings),
    ...agentFaults(settings),
    ...metricsFaults(settings, surroundings.readFile),
    ...tlsFaults(settings, surroundings.readFile),
    ...otlpFaults(settings, surroundings),
    ...relayFaults(settings),
  ],
};

/**
 * The broker's settings from the command line, the environment and the file.
 *
 * @throws {Failure} `invalid_settings` with every fault at once.
 */
export function readBrokerSettings(sources: SettingSources): ReturnType<typeof readSettings<typeof SETTINGS>> {
  return readSettings(DECLARATIONS, sources);
}

/** How old a heartbeat makes an agent late, and lost. */
export function connectivityLimits(settings: BrokerSettings): ConnectivityLimits {
  return {
    lateAfterSeconds: settings["agents.late_after_seconds"],
    lostAfterSeconds: settings["agents.lost_after_seconds"],
  };
}

/** How its listeners speak TLS; undefined where they don't. */
export function tlsOf(settings: BrokerSettings): TlsOptions | undefined {
  const { "broker.tls_cert_file": certFile, "broker.tls_key_file": keyFile } = settings;
  if (certFile === undefined || keyFile === undefined) return undefined;
  return {
    ...{ certFile, keyFile, clientCaFile: settings["broker.tls_client_ca_file"] },
    minVersion: `TLSv${settings["broker.tls_min_version"]}`,
    connectionsMax: settings["broker.tls_connections_max"],
  };
}

function tlsFaults(settings: BrokerSettings, readFile: SettingSources["readFile"]): readonly string[] {
  const { "broker.tls_cert_file": certFile, "broker.tls_key_file": keyFile } = settings;
  const clientCaFile = settings["broker.tls_client_ca_file"];
  if (certFile === undefined && clientCaFile !== undefined) {
    return ["broker.tls_client_ca_file is set: it wants broker.tls_cert_file"];
  }
  if (certFile === undefined && keyFile === undefined) return [];
  if (certFile === undefined) return ["broker.tls_key_file is set: it wants broker.tls_cert_file"];
  if (keyFile === undefined) return ["broker.tls_cert_file is set: it wants broker.tls_key_file"];
  return keyPairFaults({ certFile, keyFile, clientCaFile }, readFile).map((fault) => `broker.tls_*_file: ${fault}`);
}

function addressOrNetwork(): SettingType<string> {
  return {
    expects: "an IP address, or a network such as 10.0.0.0/8",
    parse: (text) => isAddressOrNetwork(text) ? { value: text } : undefined,
  };
}

/** A link of any other scheme could run a script in the page that shows it. */
function traceUrl(): SettingType<string> {
  const { expects, parse } = url(["http", "https"]);
  return {
    expects: `${expects}, with {trace_id} in it`,
    parse: (text) => parse(text) !== undefined && text.includes("{trace_id}") ? { value: text } : undefined,
  };
}

function metricsFaults(settings: BrokerSettings, readFile: SettingSources["readFile"]): readonly string[] {
  return pageFaults(settings, { main: { key: "broker.listen", port: settings["broker.listen"].port }, readFile });
}

function relayFaults(settings: BrokerSettings): readonly string[] {
  return settings["otlp.endpoint"] === BROKER
    ? ["otlp.endpoint is broker: only an agent sends through its broker"]
    : [];
}

function agentFaults(settings: BrokerSettings): readonly string[] {
  const [late, lost] = [settings["agents.late_after_seconds"], settings["agents.lost_after_seconds"]];
  if (late < lost) return [];
  return [`agents.late_after_seconds is ${late}: it must be less than agents.lost_after_seconds, which is ${lost}`];
}

function pooledFaults(settings: BrokerSettings): readonly string[] {
  const { "database.pooled": isPooled, "database.url": url, "database.listen_url": listenUrl } = settings;
  if (!isPooled) return listenUrl === undefined ? [] : ["database.listen_url is set: it wants database.pooled"];
  const missing = [
    ...(url === undefined ? ["database.url"] : []),
    ...(listenUrl === undefined ? ["database.listen_url"] : []),
  ];
  return missing.map((key) => `${key} is missing: database.pooled wants it`);
}

function knownKeyFaults(settings: BrokerSettings): readonly string[] {
  const hash = settings["broker.pak_hash"];
  if (hash === undefined) return [];
  try {
    refuseKnownKey(hash, { isAllowed: settings["broker.allow_known_dev_key"] });
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}
