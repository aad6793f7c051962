import assert from "node:assert/strict";
import type { Component } from "$lib/process_metrics.ts";
import { REVISION, VERSION } from "$lib/program/version.ts";
import { POD_UID } from "./programs.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import { eventually } from "./wait.ts";

/** What something does to a page, by series. */
export interface Moves {
  /** Counters that grow by exactly so much. */
  readonly by?: Readonly<Record<string, number>>;
  /** Counters that grow, by what other tests hold against the outside: something else moves them too. */
  readonly more?: readonly string[];
  /** Gauges that come to say exactly this. */
  readonly to?: Readonly<Record<string, number>>;
}

/** A page, of which every move that was seen is remembered. */
export class Movement {
  readonly #url: () => string;
  readonly #moved = new Set<string>();

  constructor(url: () => string) {
    this.#url = url;
  }

  /** Every series that has moved as it was said to. */
  get moved(): ReadonlySet<string> {
    return this.#moved;
  }

  /** Does something, and waits until the page says exactly what that is. */
  async expect(what: string, happens: () => Promise<unknown>, moves: Moves): Promise<void> {
    const before = await scrape(this.#url());
    await happens();
    await this.#until(what, moves, before);
  }

  /** As {@linkcode Movement.expect} since the program's start. */
  async expectSinceStart(what: string, moves: Moves): Promise<void> {
    await this.#until(what, moves, new Map());
  }

  async #until(what: string, { by = {}, more = [], to = {} }: Moves, before: Samples): Promise<void> {
    await eventually(`the page says that ${what}`, async () => {
      const now = await scrape(this.#url());
      const growth = (series: string) => (now.get(series) ?? 0) - (before.get(series) ?? 0);
      assert.deepEqual(pick(Object.keys(by), growth), by);
      assert.deepEqual(more.filter((series) => growth(series) <= 0), []);
      assert.deepEqual(pick(Object.keys(to), (series) => now.get(series)), to);
      return true;
    });
    for (const series of [...Object.keys(by), ...more, ...Object.keys(to)]) this.#moved.add(series);
  }
}

function pick<T>(names: readonly string[], valueOf: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, valueOf(name)]));
}

/** What every page says once its program runs, of the process and of itself. */
export function processMoves(
  component: Component,
  ...ofAgent: readonly string[]
): { readonly more: readonly string[]; readonly to: Moves["to"] } {
  const labels =
    `component="${component}",version="${VERSION}",revision="${REVISION}",deno_version="${Deno.version.deno}"`;
  const ofService = `service_name="brokkr-${component}",service_namespace="brokkr",service_version="${VERSION}"`;
  const ofTarget = [`${ofService},service_instance_id="${POD_UID}"`, ...ofAgent].join(",");
  return {
    more: [
      "process_cpu_seconds_total",
      "process_start_time_seconds",
      "process_resident_memory_bytes",
      "deno_heap_used_bytes",
      "deno_event_loop_lag_seconds_count",
      "brokkr_metrics_series",
      "brokkr_metrics_scrape_duration_seconds",
    ],
    to: {
      [`brokkr_build_info{${labels}}`]: 1,
      [`target_info{${ofTarget}}`]: 1,
    },
  };
}
