import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";
import { PROMETHEUS_3_VERSION, type PrometheusMajor } from "./binaries.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";

const PAGE = `# HELP shop_orders_total Orders.
# TYPE shop_orders_total counter
shop_orders_total{kind="book"} 7
`;
const RULES = `groups:
  - name: shop
    interval: 100ms
    rules:
      - record: shop:orders:doubled
        expr: 2 * shop_orders_total
      - alert: ManyOrders
        expr: shop_orders_total > 5
        annotations: { summary: "{{ $value }} orders" }
      - alert: MoreOrders
        expr: shop_orders_total > 6
        for: 1h
      - alert: NoOrders
        expr: shop_orders_total == 0
`;
const MAJORS: readonly PrometheusMajor[] = [2, 3];

for (const version of MAJORS) {
  testWith(
    "prometheus",
    `startPrometheus() scrapes a page and answers queries about it (version ${version})`,
    async () => {
      await using page = servePage(PAGE);
      await using prometheus = await startPrometheus({ version, config: configFor(page) });

      await waitFor(() => upOnce(prometheus), { what: "see a scrape" });

      const [orders] = await prometheus.query("shop_orders_total");
      assert.equal(orders?.value, 7);
      assert.deepEqual(orders?.labels, {
        __name__: "shop_orders_total",
        job: "shop",
        instance: page.address,
        kind: "book",
      });
      const startSeconds = orders?.timeSeconds ?? 0;
      const range = { startSeconds, endSeconds: startSeconds + 2, stepSeconds: 1 };
      const [steps] = await prometheus.queryRange("shop_orders_total", range);
      assert.deepEqual(steps?.points.map(({ value }) => value), [7, 7, 7]);
      assert.deepEqual((await prometheus.query("1 / 0")).map(({ value }) => value), [Infinity]);
      assert.deepEqual(await prometheus.query("absent_total"), []);
      assert.deepEqual((await prometheus.metadata())["shop_orders_total"], [{
        type: "counter",
        help: "Orders.",
        unit: "",
      }]);
      assert.deepEqual(await prometheus.series("shop_orders_total"), [orders?.labels]);
      const [target] = await prometheus.targets();
      assert.deepEqual([target?.health, target?.lastError, target?.scrapeUrl], ["up", "", `${page.url}/metrics`]);
    },
  );

  testWith("prometheus", `rules() and alerts() say what the rules do (version ${version})`, async () => {
    await using page = servePage(PAGE);
    await using prometheus = await startPrometheus({
      version,
      config: configFor(page),
      files: { "rules.yaml": RULES },
    });

    const alerts = await waitFor(async () => {
      const found = await prometheus.alerts();
      return found.length === 2 ? found : undefined;
    }, { what: "see two alerts" });

    assert.deepEqual(alerts.map(({ labels, state, value }) => [labels["alertname"], state, value]), [
      ["ManyOrders", "firing", 7],
      ["MoreOrders", "pending", 7],
    ]);
    assert.equal(alerts[0]?.annotations["summary"], "7 orders");
    const [doubled] = await waitFor(() => nonEmpty(prometheus.query("shop:orders:doubled")), {
      what: "see the record",
    });
    assert.equal(doubled?.value, 14);
    const rules = (await prometheus.rules()).flatMap((group) => group.rules);
    assert.deepEqual(rules.map(({ name, type, health, state }) => [name, type, health, state]), [
      ["shop:orders:doubled", "recording", "ok", undefined],
      ["ManyOrders", "alerting", "ok", "firing"],
      ["MoreOrders", "alerting", "ok", "pending"],
      ["NoOrders", "alerting", "ok", "inactive"],
    ]);
  });

  testWith(
    "prometheus",
    `a page that is away or cannot be read is down, with the reason (version ${version})`,
    async () => {
      await using page = servePage("shop_orders_total seven\n");
      await using prometheus = await startPrometheus({ version, config: configFor(page), logLevel: "debug" });

      const [target] = await waitFor(async () => {
        const targets = await prometheus.targets();
        return targets[0]?.health === "down" ? targets : undefined;
      }, { what: "see it down" });

      assert.match(target?.lastError ?? "", /seven|parsing|parse/);
      assert.deepEqual((await prometheus.query("up")).map(({ value }) => value), [0]);
      assert.match(await prometheus.logText(), /Append failed|append failed/i);
    },
  );

  testWith("prometheus", `reload() takes new rules, and refuses broken ones (version ${version})`, async () => {
    await using page = servePage(PAGE);
    await using prometheus = await startPrometheus({
      version,
      config: configFor(page),
      files: { "rules.yaml": RULES },
    });
    const only = "groups: [{ name: shop, rules: [{ record: 'shop:one', expr: '1' }] }]";

    await prometheus.reload({ files: { "rules.yaml": only } });
    const names = (await prometheus.rules()).flatMap(({ rules }) => rules.map(({ name }) => name));
    const refused = prometheus.reload({
      files: { "rules.yaml": "groups: [{ name: shop, rules: [{ expr: '1 +' }] }]" },
    });

    assert.deepEqual(names, ["shop:one"]);
    await assert.rejects(refused, /Cannot reload Prometheus: .*failed to reload config/);
  });

  testWith("prometheus", `what Prometheus refuses is thrown with its words (version ${version})`, async () => {
    const noRules = { "rules.yaml": "groups: [{ name: shop, rules: [{ alert: A, expr: 'sum(' }] }]" };
    const config = "rule_files: [rules.yaml]";

    await assert.rejects(
      startPrometheus({ version, config, files: noRules }),
      /it has ended with [12]\n[^]*parse error/,
    );
    await using prometheus = await startPrometheus({ version, config: "scrape_configs: []" });
    await assert.rejects(prometheus.query("sum("), /Cannot ask Prometheus for query: bad_data: .*parse error/);
    await assert.rejects(prometheus.query("up[1m]"), /it is a matrix/);
  });
}

testWith("prometheus", "Prometheus 3 takes OTLP metrics of both temporalities where it is asked to", async () => {
  await using prometheus = await startPrometheus({ version: 3, receivesOtlp: true, config: "scrape_configs: []" });
  const nowNanos = BigInt(Date.now()) * 1_000_000n;
  const delta = (value: number, fromNanos: bigint, toNanos: bigint) =>
    sumRequest({ name: "shop.orders", temporality: 1, value, fromNanos, toNanos });

  await post(
    prometheus,
    sumRequest({ name: "shop.sales", temporality: 2, value: 7, fromNanos: 1n, toNanos: nowNanos }),
  );
  await post(prometheus, delta(3, nowNanos - 2_000_000_000n, nowNanos - 1_000_000_000n));
  await post(prometheus, delta(4, nowNanos - 1_000_000_000n, nowNanos));

  const [sales] = await prometheus.query("shop_sales_total");
  assert.deepEqual(sales?.labels, { __name__: "shop_sales_total", job: "shop", kind: "book" });
  assert.equal(sales?.value, 7);
  assert.deepEqual((await prometheus.query("shop_orders_total")).map(({ value }) => value), [7]);
});

testWith("prometheus", "each version is the one it is said to be", async () => {
  const versions = [];
  for (const version of MAJORS) {
    await using prometheus = await startPrometheus({ version, config: "scrape_configs: []" });
    const answer = await (await fetch(`${prometheus.url}/api/v1/status/buildinfo`)).json();
    versions.push(answer.data.version);
  }

  assert.match(versions[0], /^2\./);
  assert.equal(versions[1], PROMETHEUS_3_VERSION);
});

testWith("prometheus", "stop() ends the process and removes its folder", async () => {
  const prometheus = await startPrometheus({ version: 2, config: "scrape_configs: []" });

  await prometheus.stop();

  await assert.rejects(prometheus.logText(), Deno.errors.NotFound);
  await assert.rejects(fetch(prometheus.url), TypeError);
});

interface Sum {
  readonly name: string;
  /** 1 is delta, 2 cumulative. */
  readonly temporality: 1 | 2;
  readonly value: number;
  readonly fromNanos: bigint;
  readonly toNanos: bigint;
}

/** An export of one counter, in OTLP's JSON. */
function sumRequest({ name, temporality, value, fromNanos, toNanos }: Sum): unknown {
  const attributes = (key: string, stringValue: string) => [{ key, value: { stringValue } }];
  const point = {
    ...{ attributes: attributes("kind", "book"), asInt: String(value) },
    ...{ startTimeUnixNano: String(fromNanos), timeUnixNano: String(toNanos) },
  };
  const sum = { aggregationTemporality: temporality, isMonotonic: true, dataPoints: [point] };
  return {
    resourceMetrics: [{
      resource: { attributes: attributes("service.name", "shop") },
      scopeMetrics: [{ metrics: [{ name, sum }] }],
    }],
  };
}

async function post({ otlpUrl }: Prometheus, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${otlpUrl}/v1/metrics`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(`${answer.status} ${await answer.text()}`, "200 ");
}

interface Page extends AsyncDisposable {
  readonly address: string;
  readonly url: string;
}

function servePage(text: string): Page {
  const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(text, { headers }),
  );
  const address = `127.0.0.1:${server.addr.port}`;
  return { address, url: `http://${address}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

function configFor({ address }: Page): string {
  return `
global: { scrape_interval: 5s, scrape_timeout: 5s } # what a busy machine needs to answer
rule_files: ["rules*.yaml"]
scrape_configs:
  - job_name: shop
    static_configs: [{ targets: ["${address}"] }]
`;
}

async function upOnce(prometheus: Prometheus): Promise<true | undefined> {
  const [up] = await prometheus.query("up");
  return up?.value === 1 ? true : undefined;
}

async function nonEmpty<T>(asked: Promise<T[]>): Promise<T[] | undefined> {
  const answer = await asked;
  return answer.length > 0 ? answer : undefined;
}
