import assert from "node:assert/strict";
import { ManualClock } from "../fakes/manual_clock.ts";
import { isClientLine } from "../../broker/commands/client/command_line.ts";
import { CLIENT_COMMANDS } from "../../broker/commands/client/commands.ts";
import { AGENTS, CAUSES, delivery, DETAILS, GENERATORS, STACK, submission, SUBMITTED } from "./answers.ts";
import { type Answers, type AskedOfBroker, called, NOW, type Reply } from "./called.ts";

const APPLY = "apply -f - --stack shop";
const PIPED = { piped: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n" };
const ALL_THERE = { agents_desired: 1, agents_applied: 1, agents_healthy: 1, agents_failed: 0 };

/** A broker that has the stack, takes what is submitted, and is there with it at once; `more` answers first. */
function broker(more: Answers = () => undefined): Answers {
  return (asked) => more(asked) ?? known(asked);
}

function known({ method, path }: AskedOfBroker): Reply | undefined {
  if (method === "POST" && path.endsWith("/deployment-objects")) return { status: 201, body: SUBMITTED };
  if (path.startsWith("stacks?")) return { body: [STACK] };
  if (path.includes("/history")) return { body: [submission(ALL_THERE)] };
  if (path.includes("/deliveries")) return { body: [delivery(1, "berlin-1")] };
  return path.includes("/causes") ? { body: [] } : undefined;
}

/** The first so many requests that `is` picks are answered with `reply`. */
function first(count: number, is: (asked: AskedOfBroker) => boolean, reply: Reply | "away"): Answers {
  let left = count;
  return (asked) => is(asked) && left-- > 0 ? reply : undefined;
}

const isSubmission = ({ method, path }: AskedOfBroker) => method === "POST" && path.endsWith("/deployment-objects");
const isLook = ({ path }: AskedOfBroker) => path.includes("/history");
const BUSY: Reply = { status: 503, body: { code: "unavailable", message: "Cannot answer: the database is away" } };

Deno.test("apply sends a submission again whose answer is lost, under the same Idempotency-Key, and says so once", async () => {
  for (const lost of ["away", BUSY] as const) {
    const { code, notes, asked } = await called(APPLY, { ...PIPED, answers: broker(first(3, isSubmission, lost)) });

    const keys = asked.filter(isSubmission).map(({ headers }) => headers.get("idempotency-key"));
    assert.equal(code, 0);
    assert.deepEqual([keys.length, new Set(keys).size, keys[0]?.length], [4, 1, 36]);
    assert.equal(notes.match(/it is asked again/g)?.length, 1);
  }
});

Deno.test("apply gives up after 30 s where nothing is waited for, and after its timeout where something is", async () => {
  for (const [flags, seconds, code] of [["", 30, 1], [" --wait healthy --timeout 2m", 120, 1]] as const) {
    const clock = new ManualClock({ nowMs: Date.parse(NOW), skipsSleeps: true });

    const ended = await called(APPLY + flags, { ...PIPED, clock, answers: broker(first(9_999, isSubmission, "away")) });

    assert.equal(ended.code, code);
    assert.ok(clock.monotonic() <= seconds * 1_000 && clock.monotonic() > seconds * 800, `${clock.monotonic()} ms`);
  }
});

Deno.test("apply does not send again what was refused", async () => {
  const refusal = { status: 400, body: { code: "invalid_deployment_object", message: "Cannot submit: no kind" } };

  const { code, asked } = await called(APPLY, { ...PIPED, answers: broker(first(9, isSubmission, refusal)) });

  assert.deepEqual([code, asked.filter(isSubmission).length], [1, 1]);
});

Deno.test("a wait asks a broker again that goes away meanwhile, and says it once", async () => {
  const answers = broker(first(4, isLook, "away"));

  const { code, notes, asked } = await called(`${APPLY} --wait healthy`, { ...PIPED, answers });

  assert.equal(code, 0);
  assert.deepEqual([asked.filter(isLook).length, notes.match(/it is asked again/g)?.length], [5, 1]);
  assert.equal(notes.match(/The broker answers again/g)?.length, 1);
});

Deno.test("a wait for a broker that stays away ends with 2, and says why", async () => {
  const answers = broker((asked) => isLook(asked) || asked.path.includes("/causes") ? "away" : undefined);

  const { code, notes } = await called(`${APPLY} --wait healthy --timeout 10s`, { ...PIPED, answers });

  assert.equal(code, 2);
  assert.match(notes, /Timed out after 10s: .*Connection refused.*; nothing is known of it\n$/);
});

Deno.test("a wait ends with 2 while an agent that was targeted by name is not known to have the stack", async () => {
  const newcomer = AGENTS.find(({ name }) => name === "new");
  const targeted: Answers = ({ method, path }) => {
    if (path.startsWith("agents?")) return { body: [newcomer] };
    if (method !== "POST" || !path.endsWith("/targets")) return undefined;
    return { status: 201, body: { id: STACK.id, agent_id: newcomer?.id, stack_id: STACK.id } };
  };

  const line = `${APPLY} --target agent=new --wait healthy --timeout 5s`;
  const { code, notes } = await called(line, { ...PIPED, answers: broker(targeted) });

  assert.equal(code, 2);
  assert.match(notes, /healthy with 1 of 1 agent, 1 agent to come\n$/);
});

Deno.test("what waits for a person, or was refused twice, ends a wait with 1; what may pass does not", async () => {
  const endings: (readonly [state: "blocked" | "failed", reason: string, attempts: number, code: number])[] = [
    ["blocked", "prune_held", 1, 1],
    ["blocked", "suspended", 0, 1],
    ["blocked", "waiting", 9, 2],
    ["blocked", "going", 9, 2],
    ["blocked", "wanted_elsewhere", 1, 2],
    ["blocked", "wanted_elsewhere", 2, 1],
    ["failed", "refused", 1, 2],
    ["failed", "refused", 2, 1],
    ["failed", "invalid_bundle", 2, 1],
    ["failed", "unavailable", 9, 2],
  ];
  for (const [state, reason, attempts, code] of endings) {
    const troubled = delivery(1, "berlin-1", { state, reason, attempts });
    const answers = broker(({ path }) => {
      if (path.includes("/history")) return { body: [submission({ ...ALL_THERE, agents_failed: 1 })] };
      return path.includes("/deliveries") ? { body: [troubled] } : undefined;
    });

    const ended = await called(`${APPLY} --wait healthy --timeout 3s`, { ...PIPED, answers });

    assert.equal(ended.code, code, `${state} ${reason} after ${attempts}`);
  }
});

Deno.test("a wait for what is there already gives it another try, where one is due in time, since its cause may be mended", async () => {
  const unchanged: Answers = (asked) =>
    isSubmission(asked) ? { status: 201, body: SUBMITTED, headers: { "brokkr-unchanged": "true" } } : undefined;
  const soon = new Date(Date.parse(NOW) + 20_000).toISOString();
  const refused = (attempts: number, next_retry_at: string | null) =>
    delivery(1, "berlin-1", { state: "failed", reason: "refused", attempts, next_retry_at });
  const ended = async (looks: readonly ReturnType<typeof delivery>[], more: Answers = unchanged) => {
    let look = -1;
    const answers = broker((asked) => {
      if (isLook(asked)) look += 1;
      const seen = looks[Math.min(look, looks.length - 1)];
      const isThere = seen?.state === "applied";
      if (isLook(asked)) return { body: [submission(isThere ? ALL_THERE : { ...ALL_THERE, agents_failed: 1 })] };
      return asked.path.includes("/deliveries") ? { body: [seen] } : more(asked);
    });
    const { code, asked } = await called(`${APPLY} --wait healthy --timeout 60s`, { ...PIPED, answers });
    return [code, asked.filter(isLook).length];
  };

  assert.deepEqual(await ended([refused(3, soon), refused(3, soon), delivery(1, "berlin-1")]), [0, 3]);
  assert.deepEqual(await ended([refused(3, soon), refused(3, soon), refused(4, soon)]), [1, 3]);
  assert.deepEqual(await ended([refused(3, new Date(Date.parse(NOW) + 61_000).toISOString())]), [1, 1]);
  assert.deepEqual(await ended([refused(3, null)]), [1, 1]);
  assert.deepEqual(await ended([refused(3, soon)], () => undefined), [1, 1]);
});

Deno.test("an interrupted wait ends with 130, and says how far it is", async () => {
  const controller = new AbortController();
  const answers = broker((asked) => {
    if (!isLook(asked)) return undefined;
    controller.abort(new DOMException("SIGINT", "AbortError"));
    return { body: [submission({ ...ALL_THERE, agents_desired: 2 })] };
  });

  const ended = await called(`${APPLY} --wait healthy`, { ...PIPED, answers, signal: controller.signal });

  assert.equal(ended.code, 130);
  assert.match(ended.notes, /Interrupted after 0s: Stack "shop", submission 42: what was submitted goes on without /);
});

Deno.test("a wait whose key ends meanwhile ends with 1, and says what it was for, how far it was and what goes on", async () => {
  let looks = 0;
  const answers = broker((asked) => {
    if (!isLook(asked) && looks < 2) return undefined;
    looks += 1;
    return looks > 1 ? { status: 401, body: UNKNOWN_KEY, headers: { "www-authenticate": "Bearer" } } : {
      body: [submission({ ...ALL_THERE, agents_desired: 2 })],
    };
  });

  const { code, notes } = await called(`${APPLY} --wait healthy`, { ...PIPED, answers });

  assert.equal(code, 1);
  assert.match(
    notes,
    /\nFailed after \ds: Stack "shop", submission 42: Cannot tell who asks: [^;]* \(see BROKKR_PAK or --pak-file\); what was submitted goes on without this command; healthy with 1 of 2 agents\n$/,
  );
});

const UNKNOWN_KEY = { code: "unauthorized", message: "Cannot tell who asks: the key is unknown" };

Deno.test("suspending a stack, and setting its policy, leaves its description and the rest of the policy as they are", async () => {
  const answers = broker(({ method }) => method === "PUT" ? { body: STACK } : undefined);
  const sent = async (line: string) => JSON.parse((await called(line, { answers })).asked.at(-1)?.body ?? "");
  const { name, description } = STACK;

  assert.deepEqual(await sent("suspend shop"), { name, description, suspended: true });
  assert.deepEqual(await sent("set stack shop --drift off"), { name, description, drift: "off" });
  assert.deepEqual(await sent("set stack shop --no-default-namespace"), {
    ...{ name, description },
    default_namespace: null,
  });
});

Deno.test("commands that make keys ask a broker that is named, and are done on the machine where none is", () => {
  const isAsked = (line: string, env: Readonly<Record<string, string>> = {}) =>
    isClientLine(line.split(" "), { commands: CLIENT_COMMANDS, env });
  const line = "create agent --name a --cluster-name c";

  assert.deepEqual(
    [
      isAsked(line),
      isAsked(line, { BROKKR_URL: "" }),
      isAsked(`${line} --broker-url=https://b.example`),
      isAsked(line, { BROKKR_URL: "https://b.example" }),
      isAsked("rotate admin --data-dir d"),
      isAsked("get agents"),
    ],
    [false, false, true, true, false, true],
  );
});

Deno.test("a generator and an agent name themselves with their own keys, which list nobody", async () => {
  const own = { id: STACK.id, name: "team", cluster_name: "c" };
  const caller = (role: string) => ({ admin: false, agent: null, generator: null, readonly: false, [role]: own.id });
  const answersOf = (role: "agent" | "generator"): Answers => ({ method, path }) => {
    if (path === "auth/pak") return { body: caller(role) };
    if (method === "GET") return path === `${role}s/${own.id}` ? { body: own } : { status: 403, body: ADMIN_ALONE };
    return { status: 201, body: { agent: AGENTS[0], generator: GENERATORS[0], pak: "new" } };
  };

  const generator = await called("rotate generator team", { answers: answersOf("generator") });
  const agent = await called("rotate agent team", { answers: answersOf("agent") });
  const another = await called("rotate generator other", { answers: answersOf("generator") });
  const unseen = await called("rotate generator team", { answers: answersOf("agent") });

  assert.deepEqual([generator.output, agent.output], ["new\n", "new\n"]);
  assert.deepEqual([generator, agent].map(({ asked }) => asked.at(-1)?.path), [
    ...[`generators/${own.id}/rotate-pak`, `agents/${own.id}/rotate-pak`],
  ]);
  assert.deepEqual([another.code, another.notes], [
    ...[1, 'Cannot find generator "other": there is none of that name or id\n'],
  ]);
  assert.deepEqual([unseen.code, unseen.notes], [1, `${ADMIN_ALONE.message}\n`]);
});

const ADMIN_ALONE = { code: "admin_required", message: "Cannot call this: the admin may" };

Deno.test("a key that was made is on standard output, and nowhere else; those that rotate end the former at once", async () => {
  const pak = "the-new-key";
  const answers: Answers = () => ({ status: 201, body: { generator: GENERATORS[0], agent: AGENTS[0], pak } });

  for (const line of ["rotate admin", `rotate agent --id ${STACK.id}`, `rotate generator --id ${STACK.id}`]) {
    const { code, output, notes, asked } = await called(line, { answers });

    assert.deepEqual([code, output, notes.includes(pak)], [0, `${pak}\n`, false], line);
    assert.deepEqual(asked.map(({ body }) => JSON.parse(body)), [{ revoke: true }]);
  }
});

Deno.test("a wait for 5,000 agents reads the troubled ones and a hundred more, shows what has room, and few lines in a pipe", async () => {
  const far = { agents_desired: 5_000, agents_applied: 4_000, agents_healthy: 3_000, agents_failed: 40 };
  const failed = delivery(2, "rome-1", { state: "failed", reason: "unavailable" });
  const page = Array.from({ length: 140 }, (_, at) => at < 40 ? failed : delivery(at, `berlin-${at}`));
  const answers = broker(({ path }) => {
    if (path.includes("/history")) return { body: [submission(far)] };
    return path.includes("/deliveries") ? { body: page } : undefined;
  });
  const line = `${APPLY} --wait healthy --timeout 60s`;

  const drawn = await called(line, { ...PIPED, answers, size: { columns: 60, rows: 12 } });
  const piped = await called(line, { ...PIPED, answers });

  const frames = drawn.notes.split("\u001b[J");
  assert.ok(
    drawn.asked.filter(({ path }) => path.includes("/deliveries")).every(({ path }) => path.endsWith("limit=140")),
  );
  assert.ok(frames.every((frame) => frame.split("\n").length <= 12), "no frame is higher than the window");
  assert.match(frames[1] ?? "", /^healthy with 3000 of 5000 agents, failed with 40 .*\n[^]*rome-1[^]*and 4992 more\n/);
  assert.deepEqual([drawn.code, piped.code], [2, 2]);
  assert.equal(piped.notes.split("\n").length, 3, piped.notes);
});

Deno.test("a list is read page by page, and no further than its limit", async () => {
  const answers: Answers = ({ path }) => {
    const [, cursor] = /cursor=(\d)/.exec(path) ?? [];
    const page = Number(cursor ?? 0);
    const headers = page < 2 ? { link: `<?limit=1000&cursor=${page + 1}>; rel="next"` } : undefined;
    return { body: [delivery(page, `berlin-${page}`)], ...(headers === undefined ? {} : { headers }) };
  };

  const all = await called("get deliveries -o json", { answers });
  const two = await called("get deliveries --limit 2", { answers });

  assert.deepEqual([JSON.parse(all.output).length, all.asked.length, two.asked.length], [3, 3, 2]);
  assert.match(two.notes, /first 2; --limit shows more/);
});

Deno.test("what stands behind -- is no question for help", async () => {
  const { code, notes } = await called("explain -- -h", { answers: () => ({ body: [] }) });

  assert.deepEqual([code, notes], [1, 'Cannot find stack "-h": this key sees none of that name\n']);
});

Deno.test("an agent whose name several clusters have is to be named by its id", async () => {
  const twins = [AGENTS[0], { ...AGENTS[0], id: STACK.id, cluster_name: "paris" }];
  const answers: Answers = ({ path }) => path.startsWith("agents") ? { body: twins } : undefined;

  const named = await called("explain shop berlin-1", { answers: broker(answers) });
  const byId = await called(`approve ${STACK.id}`, { answers: broker(answers) });

  assert.equal(named.code, 1);
  assert.match(
    named.notes,
    /2 have that name; say which by its id\n {2}\S+ in cluster "berlin-1-cluster"\n {2}\S+ in cluster "paris"\n$/,
  );
  assert.doesNotMatch(byId.notes, /have that name/);
});

Deno.test("explain lists no object that has no health of its own where all works, and says of nobody's cause no agents", async () => {
  const [object] = DETAILS.objects;
  const well = { ...DETAILS, state: "applied", health: "healthy", causes: [], objects: [{ ...object, error: null }] };
  const answers = broker(({ path }) => {
    if (path.startsWith("agents")) return { body: [AGENTS[0]] };
    if (path.startsWith("deliveries/")) return { body: well };
    return path.includes("/causes") ? { body: [{ ...CAUSES[0], agents: 0, first_agents: [] }] } : undefined;
  });

  const one = await called("explain shop berlin-1", { answers });
  const all = await called("explain shop", { answers });

  assert.equal(object?.health, "unknown");
  assert.match(one.output, /^Nothing is in its way\n(Trace: .*\n)?$/m);
  assert.doesNotMatch(one.output, /Of 1 object/);
  assert.match(all.output, /^ {2}since /m);
});

Deno.test("a stack that was deleted while it was suspended is resumed by its id", async () => {
  const deleted: Answers = ({ method, path }) => {
    if (path === `stacks/${STACK.id}` && method === "GET") return { status: 404, body: NO_STACK };
    if (path === `stacks/${STACK.id}`) return { body: { ...STACK, deleted_at: NOW } };
    return path.startsWith("deliveries?") ? { body: [delivery(1, "berlin-1", { state: "terminating" })] } : undefined;
  };

  const { code, output, asked } = await called(`resume ${STACK.id}`, { answers: deleted });
  const unknown = await called(`resume ${STACK.id}`, {
    answers: ({ path }) => path.startsWith("deliveries?") ? { body: [] } : { status: 404, body: NO_STACK },
  });

  assert.deepEqual([code, output], [0, 'Stack "shop" is resumed\n']);
  assert.deepEqual(JSON.parse(asked.at(-1)?.body ?? ""), { name: "shop", suspended: false });
  assert.deepEqual([unknown.code, unknown.notes], [1, `${NO_STACK.message}\n`]);
});

const NO_STACK = { code: "stack_not_found", message: "Cannot get the stack: there is none" };

Deno.test("a reader that has seen enough, such as head, ends a command without a word", async () => {
  const { code, notes } = await called("get agents", { answers: () => ({ body: AGENTS }), breaksOutput: true });

  assert.deepEqual([code, notes], [0, ""]);
});

Deno.test("a reader that has gone ends with 1 what does more than show, since nobody knows how far it came", async () => {
  const lines = [`${APPLY} --wait healthy`, "rotate admin"];
  const answers = broker(({ path }) => path.startsWith("admin/") ? { status: 201, body: { pak: "new" } } : undefined);

  for (const line of lines) {
    const { code } = await called(line, { ...PIPED, answers, breaksOutput: true });

    assert.equal(code, 1, line);
  }
  assert.equal((await called("apply --help", { breaksOutput: true })).code, 0);
});

Deno.test("the key goes in the header, and nowhere else", async () => {
  const { asked, shown } = await called("get agents", { answers: () => ({ body: AGENTS }) });

  assert.deepEqual(asked.map(({ headers }) => headers.get("authorization")), ["Bearer a-key"]);
  assert.ok(!shown.includes("a-key") && !asked[0]?.path.includes("a-key"));
});
