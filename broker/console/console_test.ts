import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { apiOver, buildWorld, undone, type World } from "../../tests/fakes/api_world.ts";
import { consoleOver, type Oddities } from "../../tests/fakes/console_client.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";
import type { ConsoleParts } from "./parts.ts";

interface ConsoleCase {
  readonly claim: string;
  run(store: Store, world: World): Promise<void>;
}

Deno.test("the console", async (t) => {
  await using held = await embeddedDatabase();
  const kept = openStore(held.database);
  const world = await buildWorld(kept);
  while (await kept.settling.settleNext());
  for (const { claim, run } of CASES) await t.step(claim, () => undone(kept, (store) => run(store, world)));
});

function pagesOf({ agentId, stackId, sequenceId }: World): readonly string[] {
  return [
    "/console",
    `/console/agents/${agentId}`,
    `/console/stacks/${stackId}`,
    `/console/stacks/${stackId}/diff?from=${sequenceId}&to=${sequenceId}`,
    `/console/stacks/${stackId}/rollback?to=${sequenceId}`,
    `/console/deliveries/${agentId}/${stackId}`,
  ];
}

const CASES: readonly ConsoleCase[] = [
  {
    claim: "says that the database is away, what that means, and where more is said",
    async run(store, world) {
      const client = consoleOver({
        ...store,
        fleetGrid: {
          ...store.fleetGrid,
          groups() {
            throw new Failure("unavailable", "Cannot use the database: no connection", {
              details: { away: "database" },
            });
          },
        },
      });
      await client.post("/console/sign-in", { pak: world.keys.admin });

      const { status, text } = await client.get("/console");

      assert.equal(status, 503);
      assert.match(text, /Cannot use the database: no connection: the broker is there, [^<]*#database_away\)</);
    },
  },
  {
    claim: "asks whoever is not signed in for a key, on every page, and comes back to it",
    async run(store, world) {
      for (const path of pagesOf(world).slice(1)) {
        const client = consoleOver(store);
        const { status, headers } = await client.get(path);
        assert.deepEqual([status, headers.get("location")], [
          303,
          `/console/sign-in?${new URLSearchParams({ next: path })}`,
        ]);
        const next = await client.post("/console/sign-in", { pak: world.keys.admin, next: path });
        assert.equal(next.headers.get("location"), path);
      }
    },
  },
  {
    claim: "comes back to whatever was filtered by, as a form or a person writes it",
    async run(store, { keys: { admin: pak } }) {
      const written = new URLSearchParams({ agent: "a b*(c)~'d\"&", stack: "店" });
      for (const next of [`/console?${written}`, "/console?agent=(a),b!;c@d$"]) {
        const { headers } = await consoleOver(store).post("/console/sign-in", { pak, next });
        assert.equal(headers.get("location"), next);
      }
    },
  },
  {
    claim: "leads from a path with a slash too many to its page",
    async run(store, { keys: { admin: pak }, agentId }) {
      const client = consoleOver(store);
      await client.signIn(pak);
      const places = await Promise.all(
        ["/console/?agent=a", `/console/agents/${agentId}//`].map(async (path) => {
          const { status, headers } = await client.get(path);
          return [status, headers.get("location")];
        }),
      );
      assert.deepEqual(places, [[308, "/console?agent=a"], [308, `/console/agents/${agentId}`]]);
      assert.equal((await client.post("/console/", {})).status, 404);
    },
  },
  {
    claim: "says in its tables why what was applied does not work, and nothing of what does",
    async run(store, { keys: { admin: pak }, agentId, objectId, stackId }) {
      const client = consoleOver(store);
      await client.signIn(pak);
      await store.agents.heartbeat(agentId, {});
      const cells = async (status: "degraded" | "healthy") => {
        const health = { status, reason: 'Deployment "web": Unschedulable', at: new Date() };
        await store.deliveries.report({ agentId, objectId, state: "applied", health });
        const pages = [`/console/agents/${agentId}`, `/console/stacks/${stackId}`];
        const texts = await Promise.all(pages.map(async (path) => (await client.get(path)).text));
        return texts.map((text) => /<td><bdi>([^<]*)<\/bdi><\/td><\/tr>/.exec(text)?.[1]);
      };

      assert.deepEqual([await cells("degraded"), await cells("healthy")], [
        ...[Array(2).fill("Deployment &quot;web&quot;: Unschedulable"), ["–", "–"]],
      ]);
    },
  },
  {
    claim: "leads nowhere else after signing in",
    async run(store, { keys: { admin: pak } }) {
      for (const next of ["//evil.example", "/console//evil", "https://evil.example", "/consolé", "/console\\@x", ""]) {
        const { headers } = await consoleOver(store).post("/console/sign-in", { pak, next });
        assert.match(headers.get("location") ?? "", /^\/console(\/\/evil)?$/, next);
      }
    },
  },
  {
    claim: "keeps a session behind a cookie that no script and no other site gets, and its hash alone",
    async run(store, { keys: { admin: pak } }) {
      const kept: string[] = [];
      const consoleSessions: Store["consoleSessions"] = {
        ...store.consoleSessions,
        add: (session) => {
          kept.push(JSON.stringify(session));
          return store.consoleSessions.add(session);
        },
      };
      const { headers } = await consoleOver({ ...store, consoleSessions }).post("/console/sign-in", { pak });

      const cookie = headers.get("set-cookie") ?? "";
      assert.match(cookie, /^__Host-brokkr_console=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
      const token = /=([\w-]{43});/.exec(cookie)?.[1] ?? "none";
      assert.equal(kept.length, 1);
      assert.ok(!kept.join().includes(token) && !kept.join().includes(pak.split("_")[2] ?? ""));
    },
  },
  {
    claim: "counts each try to sign in as the API does, and says what was wrong with the key",
    async run(store, { keys: { admin } }) {
      const counted: unknown[] = [];
      const attempts: ConsoleParts["attempts"] = { add: (_, labels) => counted.push(labels?.result) };
      const client = consoleOver(store, { attempts });
      const unknown = `brokkr_BRabcdef_${"x".repeat(30)}`;
      for (
        const [pak, status, said] of [
          ["", 401, "no key"],
          ["ключ", 401, "malformed"],
          [unknown, 401, "unknown"],
          [admin, 303, ""],
        ] as const
      ) {
        const answer = await client.post("/console/sign-in", { pak });
        assert.equal(answer.status, status);
        assert.ok(answer.text.includes(said), answer.text);
      }
      await client.get("/console");

      assert.deepEqual(counted, ["missing", "malformed", "unknown", "success"]);
    },
  },
  {
    claim: "runs, draws and sends nothing but its own, and is shown in no frame",
    async run(store, world) {
      const client = consoleOver(store);
      await client.signIn(world.keys.admin);
      for (const path of [...pagesOf(world), "/console/sign-in", "/console/nowhere"]) {
        const { headers, text } = await client.get(path);
        const policy = headers.get("content-security-policy") ?? "";
        assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/);
        assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
        assert.equal(headers.get("cache-control"), "no-store");
        assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]* src=)/, path);
        const addresses = [...text.matchAll(/(?:src|href|action)="([^"]*)"/g)].map((match) => match[1] ?? "");
        assert.deepEqual(addresses.filter((address) => !/^(\/(console|docs)|#main)/.test(address)), []);
      }
    },
  },
  {
    claim: "serves the files that its pages name, to be kept for ever, and no others",
    async run(store) {
      const client = consoleOver(store);
      const { text } = await client.get("/console/sign-in");
      const names = [...text.matchAll(/\/console\/assets\/[\w.]+/g)].map(([name]) => name);
      assert.ok(names.length >= 2);
      for (const name of names) {
        const { status, headers, endpoint } = await client.get(name);
        assert.deepEqual([status, endpoint], [200, "/console/assets/:name"]);
        assert.match(headers.get("cache-control") ?? "", /immutable/);
      }
      assert.equal((await client.get("/console/assets/..%2f..%2fdeno.json")).status, 404);
    },
  },
  {
    claim: "takes a form of its own pages and this session only, and changes nothing by any other",
    async run(store, world) {
      const { stackId, sequenceId, keys } = world;
      const [client, other] = [consoleOver(store), consoleOver(store)];
      await client.signIn(keys.admin);
      await other.signIn(keys.admin);
      const theirs = /name="csrf" value="([^"]+)"/.exec((await other.get("/console")).text)?.[1] ?? "";
      const path = `/console/stacks/${stackId}/rollback`;
      const refused: readonly Oddities[] = [
        { csrf: "" },
        { csrf: theirs },
        { headers: { origin: "https://evil.example" } },
        { headers: { origin: "null" } },
        { headers: { "sec-fetch-site": "cross-site" } },
        { headers: { "sec-fetch-site": "same-site", origin: "http://localhost" } },
      ];
      for (const oddities of refused) {
        const { status } = await client.post(path, { to: `${sequenceId}` }, oddities);
        assert.equal(status, 403, JSON.stringify(oddities));
      }
      const before = await store.objects.list(stackId);
      assert.equal(before.items.length, 1);

      const { status, headers } = await client.post(path, { to: `${sequenceId}` });

      assert.equal(status, 303);
      assert.match(headers.get("location") ?? "", /\?submitted=\d+$/);
    },
  },
  {
    claim: "has a key at nobody's hands over plain HTTP from another machine, and trusts a proxy that speaks TLS",
    async run(store, { keys: { admin: pak } }) {
      const client = consoleOver(store);
      const far = { origin: "http://broker.example.org" };
      const proxied = { ...far, headers: { "x-forwarded-proto": "https", origin: "https://broker.example.org" } };

      const [page, form] = [await client.get("/console/sign-in", far), await client.get("/console/sign-in", proxied)];
      const [refused, taken] = [
        await client.post("/console/sign-in", { pak }, far),
        await client.post("/console/sign-in", { pak }, proxied),
      ];

      assert.ok(page.text.includes("TLS is needed") && !page.text.includes("<form"));
      assert.ok(form.text.includes("<form"));
      assert.deepEqual([refused.status, taken.status], [403, 303]);
    },
  },
  {
    claim: "ends a session with its form, and with whoever's key it was",
    async run(store, world) {
      const { keys, agentId, generatorId } = world;
      const ends: readonly (readonly [string, () => Promise<unknown>])[] = [
        [keys.admin, () => store.adminRole.changePak({ pakHash: "a".repeat(64), keepsFormer: true })],
        [keys.generator, () => store.generators.change(generatorId, { name: "shop", isActive: false })],
        [keys.otherGenerator, () => store.generators.remove(world.otherGeneratorId)],
        [keys.agent, () => store.agents.changePak(agentId, { pakHash: "b".repeat(64), keepsFormer: false })],
        [keys.otherAgent, () => store.agents.remove(world.otherAgentId)],
      ];
      for (const [pak, end] of ends) {
        const client = consoleOver(store);
        await client.signIn(pak);
        await end();
        assert.equal((await client.get("/console")).status, 303, pak);
      }
    },
  },
  {
    claim: "signs out by a form alone",
    async run(store, { keys: { admin } }) {
      const client = consoleOver(store);
      await client.signIn(admin);
      const { cookie } = client;
      assert.equal((await client.get("/console/sign-out")).status, 405);
      assert.equal((await client.get("/console")).status, 200);

      const { status, headers } = await client.post("/console/sign-out", {});

      assert.equal(status, 303);
      assert.match(headers.get("set-cookie") ?? "", /^__Host-brokkr_console=; Max-Age=0; .*Secure/);
      assert.equal((await client.get("/console", cookie === undefined ? {} : { cookie })).status, 303);
    },
  },
  {
    claim: "lets no cookie into the API",
    async run(store, { keys: { admin }, stackId }) {
      const client = consoleOver(store);
      await client.signIn(admin);
      const ask = apiOver(store);

      const answer = await ask({ path: `/api/v1/stacks/${stackId}`, headers: { cookie: client.cookie ?? "" } });

      assert.equal(answer.status, 401);
    },
  },
  {
    claim: "shows each key what is its own: the roles' matrix of pages",
    async run(store, world) {
      const columns = ["admin", "generator", "otherGenerator", "agent", "otherAgent"] as const;
      const wanted: readonly (readonly number[])[] = [
        [200, 200, 200, 200, 200],
        [200, 403, 403, 200, 403],
        [200, 200, 403, 403, 403],
        [200, 200, 403, 403, 403],
        [200, 200, 403, 403, 403],
        [200, 200, 403, 200, 403],
      ];
      for (const [place, column] of columns.entries()) {
        const client = consoleOver(store);
        await client.signIn(world.keys[column]);
        const statuses: number[] = [];
        for (const path of pagesOf(world)) statuses.push((await client.get(path)).status);
        assert.deepEqual(statuses, wanted.map((row) => row[place]), column);
        const fleet = (await client.get("/console")).text;
        assert.equal(fleet.includes(">web<"), ["admin", "generator", "agent"].includes(column), column);
      }
    },
  },
  {
    claim: "lets each key change what is its own",
    async run(store, world) {
      const { agentId, stackId, sequenceId } = world;
      const statuses: Record<string, readonly number[]> = {};
      for (const column of ["otherAgent", "agent", "otherGenerator", "generator", "admin"] as const) {
        const client = consoleOver(store);
        await client.signIn(world.keys[column]);
        const approval = await client.post(`/console/agents/${agentId}/approve`, { revision: "1" });
        const rollback = await client.post(`/console/stacks/${stackId}/rollback`, { to: `${sequenceId}` });
        statuses[column] = [approval.status, rollback.status];
      }

      assert.deepEqual(statuses, {
        otherAgent: [403, 403],
        agent: [403, 403],
        otherGenerator: [403, 403],
        generator: [403, 303],
        admin: [409, 303], // nothing is held
      });
    },
  },
  {
    claim: "answers what makes no sense with a page, counted under a template",
    async run(store, world) {
      const client = consoleOver(store);
      await client.signIn(world.keys.admin);
      const { agentId, stackId } = world;
      for (
        const [path, status, endpoint] of [
          ["/console/nowhere/at/all", 404, "unmatched"],
          ["/console/agents/%00", 404, "/console/agents/:id"],
          ["/console/agents/' or 1=1", 404, "/console/agents/:id"],
          [`/console/stacks/${agentId}`, 404, "/console/stacks/:id"],
          [`/console/stacks/${stackId}/diff`, 404, "/console/stacks/:id/diff"],
          [`/console/stacks/${stackId}/diff?from=1e9&to=99999999999999999999`, 404, "/console/stacks/:id/diff"],
          ["/console?agents=%00&group=is:%00", 200, "/console"],
          ['/console?agents=bm8&health=no&state=removed%27&agent=%25%00%27"--', 400, "/console"],
          ['/console?agent=%25%00%27"--&group=is:%F0%9F%93%A6', 200, "/console"],
        ] as const
      ) {
        const answer = await client.get(path);
        assert.deepEqual([answer.status, answer.endpoint], [status, endpoint], path);
        assert.ok(answer.text.startsWith("<!doctype html>"), path);
      }
      const { status, headers } = await client.get("/console", { method: "DELETE" });
      assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD"]);
    },
  },
];
