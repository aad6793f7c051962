import type { Fleet, FleetAgent } from "./fleet.ts";
import { type Ask, askOnce, type Load } from "./load.ts";

/** How many stacks each agent has. */
export const STACKS = 100;

/** The path by which nothing but the key is looked at. */
export const AUTHENTICATE = "authenticate";

/** Pages asked for at once: no address is sent more than 16 long answers without a key. */
const SCRAPERS = 8;

/** A path that agents or Prometheus ask all day. */
export interface HotPath extends Load {
  readonly name: string;
  /** At least this share of the requests that `/healthz` answers a second. */
  readonly ratioMin: number;
  /** At least so many requests a second on two idle cores, which carry the database and the load too. */
  readonly perSecondMin?: number;
  /** The agents whose snapshot is to be another one at each poll. */
  readonly changing?: readonly FleetAgent[];
}

/** What every other path is compared with: an answer for which the broker has nothing to do. */
export function healthPath(): HotPath {
  return { name: "GET /healthz", asks: [always(requestBytes("GET", "/healthz"))], status: 200, ratioMin: 1 };
}

/**
 * The hot paths of a broker with a fleet; agents that report are not asked for elsewhere, as it changes their answers.
 */
export async function hotPaths(url: string, { agents: all, stackIds }: Fleet): Promise<readonly HotPath[]> {
  const [agents = [], reporters = [], changing = []] = [0, 1, 2].map((part) => all.filter((_, at) => at % 3 === part));
  const each = (ask: (agent: FleetAgent) => Ask) => agents.map(ask);
  const snapshot = ({ id, pak }: FleetAgent) => always(requestBytes("GET", `/api/v1/agents/${id}/snapshot`, { pak }));
  const own = (method: string, path: string, content: Content = {}) =>
    each((agent) => always(requestBytes(method, `/api/v1/agents/${agent.id}${path}`, { ...content, pak: agent.pak })));
  return [
    {
      name: AUTHENTICATE,
      asks: each(({ pak }) => always(requestBytes("POST", "/api/v1/auth/pak", { pak }))),
      status: 200,
      ratioMin: 0.3,
    },
    {
      name: "poll, 304",
      asks: await Promise.all(agents.map((agent) => knowing(url, agent))),
      status: 304,
      ratioMin: 0.08,
      perSecondMin: 10_000,
    },
    { name: `poll, ${STACKS} stacks`, asks: each(snapshot), status: 200, ratioMin: 0.008, perSecondMin: 1_500 },
    {
      name: `poll, ${STACKS} stacks, changed`,
      asks: changing.map(snapshot),
      changing,
      status: 200,
      ratioMin: 0.008,
      perSecondMin: 500,
    },
    { name: "poll as of old, full", asks: own("GET", "/target-state"), status: 200, ratioMin: 0.008 },
    {
      name: "poll as of old, incremental",
      asks: own("GET", "/target-state?mode=incremental"),
      status: 200,
      ratioMin: 0.008,
    },
    {
      name: "heartbeat",
      asks: own("POST", "/heartbeat", { body: HEARTBEAT }),
      status: 204,
      ratioMin: 0.03,
      perSecondMin: 10_000,
    },
    {
      name: "report",
      asks: reporters.map((agent) => reporting(agent, stackIds)),
      status: 201,
      ratioMin: 0.005,
      perSecondMin: 2_500,
    },
    {
      name: "scrape",
      asks: [always(requestBytes("GET", "/metrics"))],
      status: 200,
      ratioMin: 0.07,
      clientsMax: SCRAPERS,
    },
  ];
}

const HEARTBEAT = { k8s_reachable: true, k8s_api_latency_ms: 3, k8s_version: "v1.36.0", agent_version: "0.10.0" };

function always(request: Uint8Array): Ask {
  return () => request;
}

/** Polls as an agent does that has the newest snapshot already. */
async function knowing(url: string, { id, pak }: FleetAgent): Promise<Ask> {
  const path = `/api/v1/agents/${id}/snapshot`;
  const { etag } = await askOnce(url, requestBytes("GET", path, { pak }));
  return always(requestBytes("GET", path, { pak, headers: [`if-none-match: ${etag}`] }));
}

/** Reports of one stack after the other, each of them new. */
function reporting({ id, pak }: FleetAgent, stackIds: readonly string[]): Ask {
  const boot = crypto.randomUUID();
  let seq = 0;
  return () => {
    seq += 1;
    const stack_id = stackIds[seq % stackIds.length];
    const body = { agent_id: id, stack_id, boot_id: boot, seq, state: "applied", attempts: 1, revision: 1 };
    return requestBytes("POST", `/api/v1/agents/${id}/events`, { pak, body });
  };
}

interface Content {
  readonly pak?: string;
  readonly headers?: readonly string[];
  readonly body?: object;
}

/** One request as it is sent. */
export function requestBytes(method: string, path: string, { pak, headers = [], body }: Content = {}): Uint8Array {
  const text = body === undefined ? "" : JSON.stringify(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "host: broker",
    ...(pak === undefined ? [] : [`authorization: Bearer ${pak}`]),
    ...(body === undefined ? [] : ["content-type: application/json", `content-length: ${text.length}`]),
    ...headers,
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${text}`);
}
