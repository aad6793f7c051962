import { readSamples } from "../system/metrics_page.ts";
import { RECORDED, type Recorded, type Recording, type Values } from "./recording.ts";

const STEP_MS = 1_000;
const SCRAPE_TIMEOUT_MS = 800;

/** Reads a program's page; rejects while there is none. */
export type ReadPage = (program: Recorded, signal: AbortSignal) => Promise<string>;

/** Reads the pages of the programs once a second, and keeps the series of the metrics that are asked for. */
export class Recorder {
  readonly #readPage: ReadPage;
  readonly #metrics: ReadonlySet<string>;
  readonly #pages = new Map(RECORDED.map((program) => [program, new Map<string, (number | undefined)[]>()]));
  #startMs: number | undefined;
  #steps = 0;
  #broken = 0;
  #mended = 0;

  constructor(readPage: ReadPage, metrics: ReadonlySet<string>) {
    this.#readPage = readPage;
    this.#metrics = metrics;
  }

  /** Takes this many steps more. */
  async steps(count: number): Promise<void> {
    this.#startMs ??= Date.now();
    for (let taken = 0; taken < count; taken += 1) {
      await until(this.#startMs + this.#steps * STEP_MS);
      await Promise.all(RECORDED.map((program) => this.#read(program)));
      this.#steps += 1;
    }
  }

  /** From the next step on it is broken. */
  breaks(): void {
    this.#broken = this.#steps;
  }

  /** From the next step on it is mended. */
  mends(): void {
    this.#mended = this.#steps;
  }

  /** All that was read; a program that never had a page is left out. */
  recording(): Recording {
    const full = [...this.#pages].map(([program, page]) => {
      const series = [...page].map(([name, values]): [string, Values] => [name, this.#filled(values)]);
      return [program, new Map(series.sort(([a], [b]) => a < b ? -1 : 1))] as const;
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

  async #read(program: Recorded): Promise<void> {
    const step = this.#steps;
    const page = await this.#readPage(program, AbortSignal.timeout(SCRAPE_TIMEOUT_MS)).catch(() => undefined);
    this.#keep(program, { series: "up", value: page === undefined ? 0 : 1, step });
    for (const [series, value] of readSamples(page ?? "")) {
      if (this.#metrics.has(series.split("{")[0] ?? "")) this.#keep(program, { series, value, step });
    }
  }

  #keep(program: Recorded, { series, value, step }: { series: string; value: number; step: number }): void {
    const page = this.#pages.get(program);
    const values = page?.get(series) ?? [];
    values[step] = value;
    page?.set(series, values);
  }

  #filled(values: readonly (number | undefined)[]): Values {
    return Array.from({ length: this.#steps }, (_, step) => values[step]);
  }
}

async function until(ms: number): Promise<void> {
  const left = ms - Date.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
}
