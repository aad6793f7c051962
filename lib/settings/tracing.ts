import { type Fallback, setting, type SettingsOf } from "$lib/settings/declaration.ts";
import { headerList } from "$lib/settings/headers.ts";
import { endpointOrNone, exporterVariable, exporterWord } from "$lib/settings/otlp.ts";
import { boolean, integer, number, seconds } from "$lib/settings/types.ts";

/** The settings of traces, the same in both programs. */
export const TRACING_SETTINGS = [
  setting({
    key: "otlp.traces_endpoint",
    type: endpointOrNone(),
    fallbacks: [exporterVariable("traces"), { variable: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" }],
    help: "Where traces are sent, the URL used as it is; `none` sends none.",
  }),
  setting({
    key: "otlp.traces_headers",
    type: headerList(),
    secret: true,
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_TRACES_HEADERS" }],
    help: "Headers of requests that send traces, beside otlp.headers and before those of the same name.",
  }),
  setting({
    key: "tracing.enabled",
    type: boolean(),
    fallbacks: [exporterWord("traces")],
    help:
      "Whether there are traces. By default where otlp.traces_endpoint is set or tracing.sample_ratio is above 0; they go to otlp.endpoint where nothing else is said.",
  }),
  setting({
    key: "tracing.sample_ratio",
    type: number({ max: 1 }),
    default: 0,
    fallbacks: [samplerVariable(({ ratio }) => ratio)],
    help:
      "Which share of what no sampled caller began is traced, from 0 to 1; turns of an agent that fail are besides.",
  }),
  setting({
    key: "tracing.follow_parent",
    type: boolean(),
    default: true,
    fallbacks: [samplerVariable(({ isParentBased }) => String(isParentBased))],
    help: "Whether a caller with a key decides by its `traceparent` whether its request is traced.",
  }),
  setting({
    key: "tracing.max_followed_per_second",
    type: integer({ max: 10_000 }),
    default: 10,
    help: "How many requests of each key in a second are traced because their caller says so.",
  }),
  setting({
    key: "tracing.agents_per_trace",
    type: integer({ max: 100_000 }),
    default: 100,
    help: "How many agents' deliveries of one submission are part of its trace; those of others are linked to it.",
  }),
  setting({
    key: "tracing.join_within_seconds",
    type: seconds(),
    default: 3_600,
    help:
      "How old a submission, or a request that removes, may be for what an agent does about it to be part of its trace; later it is linked to it.",
  }),
] as const;

/** The values of {@linkcode TRACING_SETTINGS}. */
export type TracingSettings = SettingsOf<typeof TRACING_SETTINGS>;

interface Sampler {
  /** As a text of the ratio's setting. */
  readonly ratio: string;
  readonly isParentBased: boolean;
}

const PARENT_BASED = "parentbased_";

/** OpenTelemetry's samplers, as our two settings have them: one that is not based on a parent follows none. */
function samplerVariable(part: (sampler: Sampler) => string): Fallback {
  return {
    variable: "OTEL_TRACES_SAMPLER",
    expects:
      "one of always_on, always_off, traceidratio, with a share from 0 to 1 in OTEL_TRACES_SAMPLER_ARG, and parentbased_ with either",
    read(text, { OTEL_TRACES_SAMPLER_ARG: share = "" }) {
      const name = text.toLowerCase();
      const isParentBased = name.startsWith(PARENT_BASED);
      const ratios: Readonly<Record<string, string>> = {
        always_on: "1",
        always_off: "0",
        traceidratio: share.trim() === "" ? "1" : share.trim(),
      };
      const ratio = ratios[isParentBased ? name.slice(PARENT_BASED.length) : name];
      return ratio === undefined ? text : part({ ratio, isParentBased });
    },
  };
}
