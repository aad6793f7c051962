import type { PageFormat } from "$lib/metrics/text.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import { ours } from "./ours.ts";
import { promClient } from "./prom_client.ts";
import { sdk } from "./sdk.ts";

/** Something that keeps metrics: one counter and one histogram with three labels, and whatever requests bring. */
export interface Contender {
  /** Adds 1 to the counter under each of the label sets, and all of that `rounds` times. */
  count(rounds: number): void;
  /** Records in the histogram under each of the label sets, and all of that `rounds` times. */
  record(rounds: number): void;
  /** Observes a request as a program would. */
  answered(answered: AnsweredRequest): void;
  /** Everything it has, as text. */
  page(format: PageFormat): Promise<string>;
}

/** Who is compared. */
export const CONTENDERS = { "bound instruments": ours, "OpenTelemetry SDK": sdk, "prom-client": promClient };
/** The name of one of {@linkcode CONTENDERS}. */
export type ContenderName = keyof typeof CONTENDERS;
/** All of them, ours first. */
export const CONTENDER_NAMES: readonly ContenderName[] = ["bound instruments", "OpenTelemetry SDK", "prom-client"];
