import { CLIENT_COMMANDS } from "../../broker/commands/client/commands.ts";
import {
  AGENTS,
  CAUSES,
  delivery,
  DETAILS,
  GENERATORS,
  HELD,
  HISTORY,
  PROGRESSING,
  REFUSED,
  STACK,
  STALE,
  submission,
  SUBMITTED,
} from "./answers.ts";
import { type Answers, type AskedOfBroker, type Calling, NOW, type Reply } from "./called.ts";

/** One command line, and what it is an example of. */
export interface Typed extends Calling {
  readonly says: string;
  readonly line: string;
}

/** A terminal that takes colours. */
export const FORMAT_ENV = { TERM: "xterm-256color" };
const WIDE = { columns: 120, rows: 30 };
const NARROW = { columns: 40, rows: 8 };
const MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
const DELIVERIES = [REFUSED, delivery(1, "berlin-1"), PROGRESSING, STALE];

/** A broker with three agents, one stack and four deliveries; what `more` answers goes before. */
function broker(more: Answers = () => undefined): Answers {
  return (asked) => more(asked) ?? known(asked);
}

function known({ method, path, body }: AskedOfBroker): Reply | undefined {
  const [place = ""] = path.split("?");
  const query = new URLSearchParams(path.slice(place.length));
  const name = query.get("name");
  if (method === "POST" && place.endsWith("/deployment-objects")) return { status: 201, body: SUBMITTED };
  if (method === "POST" && place.endsWith("/rollback")) return { status: 201, body: SUBMITTED };
  if (method === "POST" && place.endsWith("/approve-prune")) return { status: 204 };
  if (method === "PUT") return { body: place.startsWith("agents/") ? AGENTS[0] : { ...STACK, ...JSON.parse(body) } };
  if (method === "DELETE") return { status: 204 };
  if (place === "generators") return { body: GENERATORS };
  const made = MADE.find(([end]) => method === "POST" && place.endsWith(end));
  if (made !== undefined) return { status: 201, body: made[1] };
  if (place === "agents") return { body: AGENTS.filter((one) => name === null || one.name === name) };
  if (place === "stacks") return { body: [STACK].filter((one) => name === null || one.name === name) };
  if (place === `stacks/${STACK.id}`) return { body: STACK };
  if (place === `stacks/${STACK.id}/history`) return { body: HISTORY };
  if (place === `stacks/${STACK.id}/causes`) return { body: CAUSES };
  if (place.startsWith("deliveries/")) return { body: DETAILS };
  if (place.endsWith("deliveries")) return { body: DELIVERIES.filter((one) => isAsked(one, query)) };
  return undefined;
}

const LINK = { id: STACK.id, agent_id: STACK.id };
/** What is made, by the end of its path. */
const MADE: readonly (readonly [string, unknown])[] = [
  ["/register", { ...LINK, generator_id: STACK.generator_id, registered_at: NOW }],
  ["/targets", { ...LINK, stack_id: STACK.id }],
  ["/labels", { ...LINK, stack_id: STACK.id, label: "eu" }],
];

function isAsked(one: typeof REFUSED, query: URLSearchParams): boolean {
  return [["state", one.state], ["health", one.health]].every(([key = "", value = ""]) =>
    query.get(key) === null || query.get(key) === value
  );
}

/** A wait whose looks see one after the other, the last again and again. */
function waiting(
  ...looks: readonly (readonly [counts: Parameters<typeof submission>[0], deliveries: readonly unknown[]])[]
) {
  let look = -1;
  return broker(({ path }) => {
    if (path.startsWith(`stacks/${STACK.id}/history`)) {
      look = Math.min(look + 1, looks.length - 1);
      return { body: [submission(looks[look]?.[0])] };
    }
    return path.startsWith(`stacks/${STACK.id}/deliveries`) ? { body: looks[look]?.[1] } : undefined;
  });
}

const PENDING = delivery(1, "berlin-1", { state: "pending", applied: null, health: "unknown", message: null });
const DONE = { agents_desired: 1, agents_applied: 1, agents_healthy: 1, agents_failed: 0 };
const NOT_SETTLED = [{ settled_at: null }, []] as const;
const ALL_WELL = [
  NOT_SETTLED,
  [{ ...DONE, agents_applied: 0, agents_healthy: 0 }, [PENDING]],
  [{ ...DONE, agents_healthy: 0 }, [{ ...PROGRESSING, agent: PENDING.agent }]],
  [DONE, [delivery(1, "berlin-1")]],
] as const;
const unchanged: Answers = ({ path, method }) =>
  method === "POST" && path.endsWith("/deployment-objects")
    ? { status: 201, body: SUBMITTED, headers: { "brokkr-unchanged": "true" } }
    : undefined;
const refusing = (status: number, body: unknown): Answers => ({ method }) =>
  method === "POST" ? { status, body } : undefined;

const APPLY = "apply -f - --stack shop";

/** What is typed, by the file that has what is shown. */
export const TRANSCRIPTS: Readonly<Record<string, readonly Typed[]>> = {
  "get.txt": [
    { says: "agents, in a pipe", line: "get agents", answers: broker() },
    {
      says: "on a terminal: colours, and wide characters take two columns",
      line: "get agents",
      size: WIDE,
      answers: broker(),
    },
    { says: "NO_COLOR", line: "get agents", size: WIDE, env: { NO_COLOR: "1" }, answers: broker() },
    { says: "in a narrow window what matters least is left out", line: "get agents", size: NARROW, answers: broker() },
    { says: "stacks", line: "get stacks", answers: broker() },
    { says: "generators", line: "get generators", answers: broker() },
    { says: "deliveries: no message moves the cursor", line: "get deliveries", answers: broker() },
    { says: "what needs a look, each once", line: "get deliveries --unhealthy", answers: broker() },
    { says: "so many and no more", line: "get deliveries --unhealthy --limit 2", answers: broker() },
    { says: "for programs", line: "get stacks -ojson", answers: broker() },
    { says: "and as YAML", line: "get stacks --output=yaml", answers: broker() },
    { says: "nothing there", line: "get stacks", answers: () => ({ body: [] }) },
  ],
  "explain.txt": [
    { says: "a stack: each cause once", line: "explain shop", answers: broker() },
    { says: "one agent: its objects too", line: "explain shop berlin-1", answers: broker() },
    { says: "on a terminal", line: "explain shop berlin-1", size: WIDE, answers: broker() },
    { says: "nothing is wrong", line: "explain shop", answers: broker(nothingWrong) },
    { says: "for programs", line: "explain shop -o json", answers: broker() },
  ],
  "stack.txt": [
    { says: "history", line: "history shop", answers: broker() },
    { says: "back", line: "rollback shop --to 41", answers: broker() },
    {
      says: "back, and wait",
      line: "rollback shop --to 41 --wait healthy",
      answers: waiting([DONE, [delivery(1, "berlin-1")]]),
    },
    { says: "suspend", line: "suspend shop", answers: broker() },
    { says: "resume", line: "resume shop", answers: broker() },
    { says: "what becomes of drift", line: "set stack shop --drift report", answers: broker() },
    { says: "another namespace", line: "set stack shop --default-namespace web", answers: broker() },
    { says: "none any more", line: "set stack shop --no-default-namespace", answers: broker() },
    { says: "nothing", line: "set stack shop", answers: broker() },
    { says: "both", line: "set stack shop --default-namespace web --no-default-namespace", answers: broker() },
  ],
  "approve.txt": [
    { says: "asked, and yes", line: "approve berlin-1", typed: ["yes"], answers: broker(held) },
    { says: "asked, and no", line: "approve berlin-1", typed: ["y"], answers: broker(held) },
    { says: "nobody can be asked", line: "approve berlin-1", answers: broker(held) },
    { says: "what was looked at", line: "approve berlin-1 --revision 1042", answers: broker(held) },
    { says: "held at two revisions", line: "approve berlin-1", typed: ["yes"], answers: broker(heldTwice) },
    { says: "one of two revisions", line: "approve berlin-1 --revision 1042", answers: broker(heldTwice) },
    { says: "of one stack", line: "approve berlin-1 --stack shop --revision 1042", answers: broker(held) },
    { says: "nothing is held", line: "approve berlin-1 --stack shop", answers: broker() },
  ],
  "apply.txt": [
    { says: "submitted", line: APPLY, piped: MANIFEST, answers: broker() },
    { says: "unchanged", line: APPLY, piped: MANIFEST, answers: broker(unchanged) },
    {
      says: "0: there, in a pipe",
      line: `${APPLY} --wait healthy`,
      piped: MANIFEST,
      answers: waiting(...ALL_WELL),
    },
    {
      says: "0: there, on a terminal",
      ...{ line: `${APPLY} --wait=healthy`, piped: MANIFEST, size: WIDE, answers: waiting(...ALL_WELL) },
    },
    {
      says: "0: applied is enough",
      ...{ line: `${APPLY} --wait applied`, piped: MANIFEST, answers: waiting(...ALL_WELL) },
    },
    {
      says: "1: refused twice",
      line: `${APPLY} --wait healthy`,
      piped: MANIFEST,
      answers: waiting([{ ...DONE, agents_desired: 2, agents_failed: 1 }, [REFUSED, delivery(1, "berlin-1")]]),
    },
    {
      says: "1: no agent is targeted",
      line: `${APPLY} --wait healthy`,
      piped: MANIFEST,
      answers: waiting([{ agents_desired: 0, agents_applied: 0, agents_healthy: 0, agents_failed: 0 }, []]),
    },
    {
      says: "1: another submission took its place",
      line: `${APPLY} --wait healthy`,
      piped: MANIFEST,
      answers: waiting([{ id: STACK.id, sequence_id: 43 }, []]),
    },
    {
      says: "1: the broker refuses it",
      line: APPLY,
      piped: MANIFEST,
      answers: broker(refusing(400, { code: "invalid_deployment_object", message: "Cannot submit: line 1: no kind" })),
    },
    {
      says: "2: the time is over",
      line: `${APPLY} --wait healthy --timeout 3s`,
      piped: MANIFEST,
      answers: waiting([{ ...DONE, agents_desired: 2 }, [STALE, delivery(1, "berlin-1")]]),
    },
    {
      says: "as JSON",
      line: `${APPLY} --wait healthy -o json`,
      piped: MANIFEST,
      answers: waiting([{ ...DONE, agents_failed: 1 }, [REFUSED]]),
    },
  ],
  "participants.txt": [
    { says: "activate", line: "activate new", answers: broker() },
    { says: "deactivate", line: "deactivate berlin-1", answers: broker() },
    { says: "register", line: "register berlin-1 --generator team", answers: broker() },
    { says: "register again", line: "register berlin-1 --generator team", answers: broker(registered) },
    { says: "deregister, and yes", line: "deregister berlin-1 --generator team", typed: ["yes"], answers: broker() },
    { says: "label", line: "label berlin-1 eu", answers: broker() },
    { says: "unlabel", line: "unlabel berlin-1 eu --yes", answers: broker() },
    { says: "target an agent", line: "target shop agent=berlin-1 --register", answers: broker() },
    { says: "target a label", line: "target shop label=eu", answers: broker() },
    { says: "an agent that may not receive", line: "target shop agent=berlin-1", answers: broker(notRegistered) },
    { says: "untarget", line: "untarget shop label=eu", typed: ["yes"], answers: broker() },
    { says: "delete a stack: asked, and yes", line: "delete stack shop", typed: ["yes"], answers: broker() },
    { says: "asked, and no", line: "delete stack shop", typed: ["y"], answers: broker() },
    { says: "nobody can be asked", line: "delete stack shop", answers: broker() },
    { says: "asked nothing", line: "delete stack shop --yes", answers: broker() },
    { says: "delete an agent", line: "delete agent new -y", answers: broker() },
    { says: "delete a generator", line: "delete generator team", typed: ["yes"], answers: broker() },
  ],
  "keys.txt": [
    {
      says: "an agent: its key alone is the answer",
      line: "create agent --name oslo-1 --cluster-name oslo --active",
      answers: keys,
    },
    { says: "what is missing", line: "create agent --name oslo-1", answers: keys },
    { says: "a generator", line: "create generator --name team", answers: keys },
    { says: "the admin's own", line: "rotate admin", answers: keys },
    { says: "an agent's, by its name", line: "rotate agent berlin-1", answers: keys },
    { says: "by its id", line: `rotate agent ${AGENTS[0]?.id}`, answers: keys },
    { says: "by its id, as scripts of before have it", line: `rotate agent --id ${AGENTS[0]?.id}`, answers: keys },
    { says: "nobody's", line: "rotate agent", answers: keys },
    { says: "said twice", line: `rotate agent berlin-1 --id ${AGENTS[0]?.id}`, answers: keys },
    { says: "of no agent", line: "rotate agent oslo", answers: keys },
    { says: "a generator's, by its name", line: "rotate generator team", answers: keys },
    { says: "a generator's, by its id", line: `rotate generator --id ${STACK.generator_id}`, answers: keys },
    {
      says: "an agent of a generator that is named",
      ...{ line: "create agent --name oslo-1 --cluster-name oslo --generator-ids team", answers: keys },
    },
    { says: "somebody else's", line: "rotate admin", answers: () => ({ status: 403, body: FORBIDDEN }) },
  ],
  "top.txt": [
    { says: "in a pipe: once", line: "top", answers: broker() },
  ],
  "faults.txt": [
    { says: "3: everything that is wrong, at once", line: "get agents extra --nope x --watch=perhaps -o xml" },
    { says: "3: no such command", line: "get pods" },
    { says: "3: what is missing", line: "apply --stack" },
    { says: "3: no file", line: "apply -f /nowhere/at/all.yaml --stack shop" },
    { says: "3: no target", line: "apply -f - --stack shop --target blue" },
    { says: "3: no shell", line: "completion tcsh" },
    { says: "1: no such stack", line: "explain nothing", answers: broker() },
    {
      says: "1: the key is refused",
      line: "get agents",
      answers: () => ({ status: 401, body: UNAUTHORIZED, headers: BEARER }),
    },
    {
      says: "1: the URL has too much",
      line: "get agents",
      answers: () => ({ status: 404, body: { code: "not_found", message: 'Cannot find "/api/v1/api/v1/agents"' } }),
    },
    { says: "1: TLS wants a certificate", line: "get agents", answers: () => ({ status: 401, body: UNCERTIFIED }) },
    { says: "1: every fault of a refused request", line: "suspend shop", answers: broker(faulty) },
    {
      says: "1: something else answers",
      line: "get agents",
      answers: () => ({ status: 302, headers: { location: "/login" } }),
    },
    { says: "1: an answer that is none", line: "get agents", answers: () => ({ body: [{ name: 7 }] }) },
    {
      says: "1: the broker's database is away",
      line: "get agents",
      answers: () => ({
        status: 503,
        body: { code: "unavailable", message: NO_DATABASE, details: { away: "database" } },
      }),
    },
    { says: "1: nobody answers", line: "get agents", answers: () => "away" },
  ],
  "help.txt": [
    ...["get", "delete", "create", "rotate", "set"].map((word) => ({
      says: `what begins with ${word}`,
      line: `${word} --help`,
    })),
    ...CLIENT_COMMANDS.map(({ words }) => ({ says: words, line: `${words} -h` })),
  ],
  "bash.txt": [{ says: "bash", line: "completion bash" }],
  "zsh.txt": [{ says: "zsh", line: "completion zsh" }],
  "fish.txt": [{ says: "fish", line: "completion fish" }],
};

const FORBIDDEN = { code: "admin_required", message: "Cannot do this: it is the admin's alone" };
const KEY = "the-key-that-is-shown-this-once";

function keys({ path, method }: AskedOfBroker): Reply {
  if (method === "PUT") return { body: AGENTS[0] };
  if (method === "GET") return known({ method, path, body: "", headers: new Headers() }) ?? { body: GENERATORS };
  if (path.startsWith("agents")) return { status: 201, body: { agent: AGENTS[0], initial_pak: KEY, pak: KEY } };
  return { status: 201, body: { generator: GENERATORS[0], pak: KEY } };
}

const BEARER = { "www-authenticate": "Bearer" };
const UNCERTIFIED = { code: "unauthorized", message: "Cannot answer: a client certificate is wanted" };
const UNAUTHORIZED = { code: "unauthorized", message: "Cannot tell who asks: the key is unknown" };

function nothingWrong({ path }: AskedOfBroker): Reply | undefined {
  if (path.includes("/history")) {
    return { body: [submission({ agents_applied: 4, agents_healthy: 4, agents_failed: 0 })] };
  }
  return path.includes("/causes") ? { body: [] } : undefined;
}

function held({ path }: AskedOfBroker): Reply | undefined {
  if (!path.includes("/deliveries")) return undefined;
  return { body: path.includes("terminating") ? [HELD] : [] };
}

function registered({ path }: AskedOfBroker): Reply | undefined {
  return path.endsWith("/register") ? { status: 409, body: ALREADY } : undefined;
}

function notRegistered({ path }: AskedOfBroker): Reply | undefined {
  return path.endsWith("/targets") ? { status: 403, body: NOT_REGISTERED } : undefined;
}

const NO_DATABASE = "Cannot use the database: no connection (ECONNREFUSED)";
const ALREADY = { code: "already_registered", message: "Cannot register: it is already" };
const NOT_REGISTERED = { code: "agent_not_registered", message: "Cannot target: it is not registered" };

function heldTwice({ path }: AskedOfBroker): Reply | undefined {
  if (!path.includes("/deliveries")) return undefined;
  const later = { ...HELD, held_revision: 1_050, message: "20 objects would go" };
  return { body: path.includes("terminating") ? [later, HELD] : [] };
}

function faulty({ method }: AskedOfBroker): Reply | undefined {
  if (method !== "PUT") return undefined;
  const errors = [{ path: "name", message: "is too long" }, { path: "", message: "is no list" }];
  return { status: 422, body: { code: "invalid_request_body", message: "Cannot read the body", details: { errors } } };
}
