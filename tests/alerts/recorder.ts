import { readSamples } from "../system/metrics_page.ts";
import type { Recording, Target, Values } from "./recording.ts";

const STEP_MS = 1_000;
const SCRAPE_TIMEOUT_MS = 800;

/** Reads a page; rejects while there is none. */
export type ReadPage = (signal: AbortSignal) => Promise<string>;

/**
 * Reads the pages of its targets once a second, and keeps the series of the metrics that are asked for. Where steps are
 * not asked for, as while a program starts, time stands still in the recording.
 */
export class Recorder {
  readonly #metrics: ReadonlySet<string>;
  readonly #targets = new Map<Target, ReadPage>();
  readonly #pages = new Map<Target, Map<string, (number | undefined)[]>>();
  #startMs: number | undefined;
  #lastMs = 0;
  #steps = 0;
  #broken = 0;
  #mended = 0;

  constructor(metrics: ReadonlySet<string>) {
    this.#metrics = metrics;
  }

  /** From the next step on there is this target. */
  add(target: Target, readPage: ReadPage): void {
    this.#targets.set(target, readPage);
  }

  /** From the next step on the target is not there any more, as one that is taken out of what is scraped. */
  remove(target: Target): void {
    this.#targets.delete(target);
  }

  /** Takes this many steps more. */
  async steps(count: number): Promise<void> {
    this.#startMs ??= Date.now();
    for (let taken = 0; taken < count; taken += 1) {
      await until(this.#lastMs + STEP_MS);
      this.#lastMs = Date.now();
      await Promise.all([...this.#targets].map(([target, readPage]) => this.#read(target, readPage)));
      this.#steps += 1;
    }
  }

  /** Takes steps until `work` has ended. */
  async whilst<T>(work: Promise<T>): Promise<T> {
    let hasEnded = false;
    const ended = () => void (hasEnded = true);
    work.then(ended, ended);
    while (!hasEnded) await this.steps(1);
    return await work;
  }

  /** From the next step on it is broken. */
  breaks(): void {
    this.#broken = this.#steps;
  }

  /** From the next step on it is mended. */
  mends(): void {
    this.#mended = this.#steps;
  }

  /** All that was read; a target that never had a page is left out. */
  recording(): Recording {
    const full = [...this.#pages].map(([target, page]) => {
      const series = [...page].map(([name, values]): [string, Values] => [name, this.#filled(values)]);
      return [target, new Map(series.sort(([a], [b]) => a < b ? -1 : 1))] as const;
    });
    return {
      startedSeconds: (this.#startMs ?? 0) / 1_000,
      stepSeconds: STEP_MS / 1_000,
      steps: this.#steps,
      broken: this.#broken,
      mended: this.#mended,
      pages: new Map(full.filter(([, page]) => page.get("up")?.includes(1))),
    };
  }

  async #read(target: Target, readPage: ReadPage): Promise<void> {
    const step = this.#steps;
    const text = await readPage(AbortSignal.timeout(SCRAPE_TIMEOUT_MS)).catch(() => undefined);
    const page = this.#pages.get(target) ?? new Map<string, (number | undefined)[]>();
    this.#pages.set(target, page);
    const keep = (series: string, value: number) => {
      const values = page.get(series) ?? [];
      values[step] = value;
      page.set(series, values);
    };
    keep("up", text === undefined ? 0 : 1);
    for (const [series, value] of readSamples(text ?? "")) {
      if (this.#metrics.has(series.split("{")[0] ?? "")) keep(series, value);
    }
  }

  #filled(values: readonly (number | undefined)[]): Values {
    return Array.from({ length: this.#steps }, (_, step) => values[step]);
  }
}

async function until(ms: number): Promise<void> {
  const left = ms - Date.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
}
