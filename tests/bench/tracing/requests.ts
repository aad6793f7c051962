import { mintPak } from "../../../broker/domain/pak.ts";
import { compare, middle, ratio, type Rounds } from "../metrics/compare.ts";
import { type Asked, asked, saturate } from "../metrics/load.ts";
import type { Line } from "../metrics/report.ts";
import { type BenchServer, startServerOf } from "../metrics/servers.ts";

const OFF = "off";
/** The same as `off`: how far its ratio is from 1 is what the machine makes of nothing. */
const SAME = "off, once more";
const TRACED = ["ratio 0", "ratio 0.01"] as const;
const NAMES = [OFF, SAME, ...TRACED, "SDK, ratio 0", "SDK, ratio 0.01"] as const;
type Name = (typeof NAMES)[number];

const ROUNDS = 31;
const ROUND_MS = 150;
const OFF_MIN: Readonly<Partial<Record<Name, number>>> = { "ratio 0": 0.9, "ratio 0.01": 0.85 };
const SDK_MIN = 1.3;
const SCRIPT = new URL("server.ts", import.meta.url);

/** Requests that a busy server answers in a second in which it runs: load comes from this process. */
export async function requestLines(): Promise<readonly Line[]> {
  const { pak, hash } = await mintPak();
  const smallest = asked("POST /api/v1/auth/pak HTTP/1.1", "}", [`authorization: ${pak}`, "content-length: 0"]);
  const hello = await measured(asked("GET / HTTP/1.1", "Hello, world\n"), "hello");
  const api = await measured(smallest, hash);
  return [
    ...linesOf("bare requests per second of its own time", hello),
    ...TRACED.map((who): Line => {
      const of = ratio(hello, who, `SDK, ${who}`);
      return { what: "the same, to the SDK's", who, figure: "", ratio: of, limit: { is: "≥", value: SDK_MIN, of } };
    }),
    ...linesOf("the API's smallest requests per second", api),
  ];
}

function linesOf(what: string, rounds: Rounds<Name>): readonly Line[] {
  return NAMES.map((who): Line => {
    const of = ratio(rounds, who, OFF);
    const [line, value] = [{ what, who, figure: middle(rounds, who).toFixed(0), ratio: of }, OFF_MIN[who]];
    return value === undefined ? line : { ...line, limit: { is: "≥", value, of } };
  });
}

async function measured(what: Asked, served: string): Promise<Rounds<Name>> {
  await using stack = new AsyncDisposableStack();
  const runners = await Promise.all(NAMES.map(async (name) => {
    const server = stack.use(await startServerOf(SCRIPT, [name, served]));
    return { name, run: () => rateOf(server, what) };
  }));
  return await compare(runners, ROUNDS);
}

async function rateOf(server: BenchServer, what: Asked): Promise<number> {
  const beforeNs = server.runNs();
  const requests = await saturate(server.port, ROUND_MS, what);
  return requests * 1e9 / (server.runNs() - beforeNs);
}
