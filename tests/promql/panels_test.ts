import assert from "node:assert/strict";
import { allDeclarations } from "../../docs/generate/catalogue.ts";
import { findParts, readPromql } from "../../docs/generate/promql.ts";
import { checkPromql } from "./check.ts";
import { dashboards, type Panel } from "./dashboards.ts";
import { alertRules } from "./rule_files.ts";
import { fullVocabulary, OUTSIDE_LABELS } from "./vocabulary.ts";

/** Which variables hold a query to what the reader chose, in the order of their labels. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  "broker-health.json": ["cluster namespace job", "cluster namespace job instance"],
  "agent-health.json": ["cluster namespace job", "cluster namespace job instance"],
  "fleet.json": ["cluster namespace job", "agent_job agent"],
};
/** A matcher by a variable: `job=~"$job|"` of alerts without a job, too. */
const CHOSEN = /(\w+)=~"\$(\w+)\|?"(?:, )?/g;
const ALERT = /Coloured from the threshold of (\w+) on\.$/;

interface Asked {
  readonly where: string;
  readonly panel: Panel;
  readonly expr: string;
  readonly legend: string;
}

function asked(): readonly Asked[] {
  return dashboards().flatMap(({ path, panels }) =>
    panels.flatMap((panel) =>
      panel.targets.map(({ expr, legendFormat: legend }) => ({
        ...{ where: `${path.replace(/.*\//, "")}: ${panel.title}: ${expr}`, panel, expr, legend },
      }))
    )
  );
}

/** What is wrong with which query. */
function faultsOf(fault: (one: Asked) => boolean, all = asked()): readonly string[] {
  assert.ok(all.length > 20);
  return all.filter(fault).map(({ where }) => where);
}

Deno.test("panels: every series of a panel is held to all that the reader chose, in the same way", () => {
  const labels = new Map(
    dashboards().flatMap(({ path, templating }) =>
      templating.list.map(({ name, definition }) => [
        `${path.replace(/.*\//, "")} ${name}`,
        /, (\w+)\)$/.exec(definition)?.[1],
      ])
    ),
  );

  const faults = faultsOf(({ where, panel, expr }) => {
    const file = where.split(":")[0] ?? "";
    const sets = selectorsIn(expr).map((text) => [...text.matchAll(CHOSEN)]);
    const isOther = sets.flat().some(([, label, name]) => labels.get(`${file} ${name}`) !== label);
    const choices = new Set(sets.map((set) => set.map(([, , name]) => name).join(" ")));
    const isWhole = [...choices].every((one) => CHOICES[file]?.includes(one));
    const ofInstance = !file.startsWith("fleet") && panel.type === "timeseries" && alertOf(panel) === undefined;
    return isOther || choices.size !== 1 || !isWhole || (ofInstance && ![...choices][0]?.endsWith(" instance"));
  });

  assert.deepEqual(faults, []);
});

Deno.test("panels: a line is called by the labels in which it differs from others, and by no other", () => {
  const vocabulary = fullVocabulary();
  const ofTargets: readonly string[] = OUTSIDE_LABELS;

  const faults = faultsOf(({ panel, expr, legend }) => {
    if (panel.type === "stat") return false;
    const { labels } = checkPromql(expr, vocabulary);
    const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = ""]) => name);
    const kept = [...labels].filter((label) => !ofTargets.includes(label));
    return named.some((name) => !labels.has(name)) || kept.some((label) => !named.includes(label));
  });

  assert.deepEqual(faults, []);
});

Deno.test("panels: what counts is summed, a second, or an hour where the title says so", () => {
  const faults = faultsOf(({ panel, expr }) => {
    const counted = [...expr.matchAll(/(\w+)(?: by \([^)]*\))? \((rate|increase)\(/g)];
    const wanted = / hour$/.test(panel.title) ? "increase" : "rate";
    return alertOf(panel) === undefined && counted.some(([, over, call]) => over !== "sum" || call !== wanted);
  });

  assert.deepEqual(faults, []);
});

Deno.test("panels: what every replica reads of the store is there once a release, whatever labels discovery adds", () => {
  const vocabulary = fullVocabulary();

  const faults = faultsOf(({ panel, expr }) => {
    const ofStore = selectorsIn(expr).some((text) => vocabulary.get(text.split("{")[0] ?? "")?.isOfStore);
    return ofStore && alertOf(panel) === undefined && !/^max by \(cluster, namespace, job[,)]/.test(expr);
  });

  assert.deepEqual(faults, []);
});

Deno.test("panels: a percentile is 0 where nothing is timed, for each of its lines, and nothing is left out but zeros", () => {
  const others = asked().filter(({ panel }) => alertOf(panel) === undefined);

  const faults = faultsOf(({ expr }) => {
    const [timed, fallback] = expr.split("\nor\n");
    const [, by = "", name] = /^histogram_quantile\(0\.\d+, sum by \(le(.*?)\) \(rate\((\w+)_bucket/.exec(expr) ?? [];
    const sum = by === "" ? "sum" : `sum by (${by.replace(", ", "")})`;
    const isZero = timed?.endsWith(" >= 0") && fallback?.startsWith(`0 * ${sum} (rate(${name}_count{`);
    return / <=? /.test(expr) || (name !== undefined && !isZero);
  }, others);

  assert.deepEqual(faults, []);
});

Deno.test("panels: a percentile is the one that the line or the title names, and a window is the one of the title", () => {
  const faults = faultsOf(({ panel, expr, legend }) => {
    const [, percent] = /\bp(\d\d)$/.exec(legend) ?? /\bp(\d\d)\b/.exec(panel.title) ?? [];
    const quantiles = [...expr.matchAll(/histogram_quantile\(\s*([\d.]+)/g)].map(([, one]) => Number(one) * 100);
    const window = / hour$/.test(panel.title) ? "1h" : "$__rate_interval";
    const windows = [...expr.matchAll(/\}\[([^\]]+)\]/g)].map(([, one]) => one);
    const isOtherWindow = alertOf(panel) === undefined && windows.some((one) => one !== window);
    return quantiles.some((one) => Math.abs(one - Number(percent)) > 0.01) || isOtherWindow;
  });

  assert.deepEqual(faults, []);
});

Deno.test("panels: what begins with what is said of a metric asks for that metric", () => {
  const said = allDeclarations().toSorted((a, b) => b.help.length - a.help.length);
  const described = asked().map((one) => ({
    ...one,
    of: said.find(({ help }) => one.panel.description?.startsWith(help)),
  }));
  const shown = described.filter(({ of, panel }) => of !== undefined && alertOf(panel) === undefined);

  const faults = shown.filter(({ of, expr }) =>
    selectorsIn(expr).some((text) => !new RegExp(`^${of?.name}(_bucket|_count)?\\b`).test(text))
  );

  assert.ok(shown.length > 70);
  assert.deepEqual(faults.map(({ where }) => where), []);
});

Deno.test("panels: a label's value that the title names is what is asked for", () => {
  const closed = new Map(allDeclarations().map(({ name, labels }) => [name, Object.entries(labels)]));

  const faults = faultsOf(({ panel, panel: { title }, expr, legend }) =>
    alertOf(panel) === undefined && selectorsIn(expr).some((text) => {
      const name = text.split("{")[0]?.replace(/_(bucket|count)$/, "") ?? "";
      return (closed.get(name) ?? []).some(([label, values]) => {
        if (values === "text" || legend.includes(`{{${label}}}`)) return false;
        const named = values.filter((value) => new RegExp(`\\b${value}s?\\b`).test(title.toLowerCase()));
        const equal = new RegExp(`\\b${label}="(\\w+)"`).exec(text)?.[1];
        const isOfFailures = equal === "error" && /\bfail\b/.test(title);
        const isOther = equal === undefined || !named.includes(equal);
        return isOther && (named.length > 0 || equal !== undefined) && !isOfFailures;
      });
    })
  );

  assert.deepEqual(faults, []);
});

Deno.test("panels: what fails is asked for where the title says that something fails", () => {
  const failing = asked().filter(({ panel }) => / fails?$/.test(panel.title) && alertOf(panel) === undefined);

  const faults = failing.filter(({ expr }) => !/result="error"|status=~"5\.\."|_errors_total/.test(expr));

  assert.ok(failing.length >= 6);
  assert.deepEqual(faults.map(({ where }) => where), []);
});

Deno.test("panels: one that names an alert asks what the alert's rule asks, or for how many it answers", () => {
  const named = asked().filter(({ panel }) => alertOf(panel) !== undefined);

  const faults = named.filter(({ panel, expr }) => {
    const rules = alertRules().filter(({ alert }) => alertsShown(panel).includes(alert));
    const [, looksAt, answers] = /^(?:max \(\(?(.*?)\)?\) >= 0|count \((.*)\)) or 0 \* /.exec(asWritten(expr)) ?? [];
    return !rules.map((rule) => asWritten(rule.expr)).some((rule) =>
      rule === answers || (looksAt !== undefined && rule.includes(looksAt))
    );
  });

  assert.ok(named.length > 30);
  assert.deepEqual(faults.map(({ where }) => where), []);
});

Deno.test("panels: so many minutes as one with an alert says are what the alert looks at", () => {
  const faults = asked().filter(({ panel }) => {
    const [, minutes] = /[Ii]n (\d+) minutes\b/.exec(panel.description ?? "") ?? [];
    const rule = alertRules().find(({ alert }) => alert === alertOf(panel));
    return minutes !== undefined && rule !== undefined &&
      !new RegExp(`\\[${minutes}m\\]|rate${minutes}m\\b`).test(rule.expr);
  });

  assert.deepEqual(faults.map(({ where }) => where), []);
});

/** The alert that a panel's description names. */
function alertOf({ description = "" }: Panel): string | undefined {
  return ALERT.exec(description)?.[1];
}

/** That, and the one of the other side of requests where a panel shows both. */
function alertsShown(panel: Panel): readonly string[] {
  const alert = alertOf(panel) ?? "";
  return [alert, alert.replace("BrokkrHttp", "BrokkrAgentRequest")];
}

/** On one line, without what holds it to a choice. */
function asWritten(promql: string): string {
  const bare = promql.replaceAll(/#.*$/gm, "").replaceAll(CHOSEN, "").replaceAll("{}", "");
  return bare.replaceAll(/\s+/g, " ").replaceAll(/([({]) | (?=[)}])/g, "$1").trim();
}

function selectorsIn(promql: string): readonly string[] {
  const part = readPromql(promql.replaceAll("$__rate_interval", "5m"));
  if ("faults" in part) throw new Error(part.faults.join(", "));
  return findParts(part, "VectorSelector").map(({ text }) => text);
}
