import {
  certificatesOf,
  connectionFault,
  type ServerNames,
  UNUSABLE,
  unusablePart,
} from "$lib/http_client/connection_fault.ts";
import { messageOf } from "$lib/error.ts";
import { isLoopback } from "$lib/addresses.ts";
import { isHeaderText, readTokenFile } from "$lib/token.ts";
import { proxyOf } from "$lib/http_client/proxy.ts";
import type { SettingsOf } from "$lib/settings/declaration.ts";
import { type SocketDoor, socketDoor } from "../socket_door.ts";
import { usage } from "./command_line.ts";
import type { CONNECTION_FLAGS } from "./flags.ts";

type Environment = Readonly<Record<string, string>>;
type Options = SettingsOf<typeof CONNECTION_FLAGS>;

/** A way to a broker's API. */
export interface BrokerConnection extends AsyncDisposable {
  /** Where the broker is, without `/api/v1`. */
  readonly url: URL;
  /** As messages name it. */
  readonly name: string;
  /** The key; absent where whoever comes this way is admin. */
  readonly pak?: string;
  fetch(request: Request): Promise<Response>;
  /** Why no connection came about, in words of the flags; undefined where they don't tell. */
  explain(error: unknown): string | undefined;
}

const REACH = "reach a broker";
const NAMES: ServerNames = {
  server: "the broker",
  authority: "--ca-file",
  address: "--broker-url or BROKKR_URL",
  certificate: "--client-cert-file and --client-key-file",
};

/**
 * The way to the broker that the flags name; asks it nothing. Never to a database.
 *
 * @throws {Failure} `invalid_settings` for flags that lead nowhere.
 */
export async function openConnection(options: Options, env: Environment): Promise<BrokerConnection> {
  const { broker_url: url } = options;
  if (url === undefined) return await throughSocket(options.data_dir);
  refuseInsecure(url, options);
  const client = Deno.createHttpClient(await clientOptions(url, options, env));
  return {
    ...{ url, name: url.href.replace(/\/$/, "") },
    pak: await keyOf(options, env),
    fetch: (request) => fetch(request, { client }),
    explain: (error) => connectionFault(error, NAMES, { showsCertificate: options.client_cert_file !== undefined }),
    [Symbol.asyncDispose]: () => Promise.resolve(client.close()),
  };
}

async function throughSocket(dataDir: string): Promise<BrokerConnection> {
  const door = await socketDoor(dataDir);
  if (door === undefined) {
    throw usage(REACH, [`no broker is named (--broker-url, BROKKR_URL), and none runs in "${dataDir}" (--data-dir)`]);
  }
  return throughDoor(door, dataDir);
}

/** The way through the socket of a data folder's broker. */
export function throughDoor(door: SocketDoor, dataDir: string): BrokerConnection {
  return {
    ...{ url: new URL("http://broker"), name: `in "${dataDir}"` },
    fetch: (request) => door.fetch(request),
    explain: () => undefined,
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  };
}

function refuseInsecure({ protocol, hostname, username, password }: URL, options: Options): void {
  if (username !== "" || password !== "") {
    throw usage(REACH, ["--broker-url must hold no user and no password: the key is in BROKKR_PAK or --pak-file"]);
  }
  if (protocol === "https:" || isLoopback(hostname) || options.allow_insecure_broker) return;
  throw usage(REACH, [
    `--broker-url must be https:// because "${hostname}" is not loopback, ` +
    "or --allow-insecure-broker must say that the key may go in the clear",
  ]);
}

async function keyOf({ pak_file: path }: Options, env: Environment): Promise<string> {
  const pak = path === undefined ? env.BROKKR_PAK?.trim() ?? "" : await readTokenFile(path).catch((cause) => {
    throw usage(REACH, [`--pak-file can't be read: ${messageOf(cause)}`]);
  });
  if (pak === "") throw usage(REACH, ["the key is missing: BROKKR_PAK or --pak-file"]);
  if (isHeaderText(pak)) return pak;
  throw usage(REACH, ["the key holds what no header can hold, such as two lines"]);
}

async function clientOptions(url: URL, options: Options, env: Environment): Promise<Deno.CreateHttpClientOptions> {
  const [ca, cert, key] = await Promise.all([
    readPem(options.ca_file, "--ca-file"),
    readPem(options.client_cert_file, "--client-cert-file"),
    readPem(options.client_key_file, "--client-key-file"),
  ]);
  if ((cert === undefined) !== (key === undefined)) {
    throw usage(REACH, ["--client-cert-file and --client-key-file must be given together"]);
  }
  const proxy = proxyOf(url, env);
  const certificates = certificatesOf({ ca, cert, key });
  const unusable = unusablePart(certificates);
  if (unusable !== undefined) throw usage(REACH, [`${NAMES[unusable]} can't be used: ${UNUSABLE[unusable]}`]);
  return { ...certificates, ...(proxy === undefined ? {} : { proxy: { url: proxy } }) };
}

async function readPem(path: string | undefined, name: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw usage(REACH, [`${name} can't be read: ${messageOf(cause)}`]);
  }
}
