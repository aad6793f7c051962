import { setting, type SettingsOf } from "$lib/settings/declaration.ts";
import { headerList } from "$lib/settings/headers.ts";
import { endpointOrNone, exporterVariable, exporterWord } from "$lib/settings/otlp.ts";
import { boolean } from "$lib/settings/types.ts";

/** The settings of log lines that are sent, the same in both programs. */
export const SENT_LOGS_SETTINGS = [
  setting({
    key: "otlp.logs",
    type: boolean(),
    default: false,
    fallbacks: [exporterWord("logs")],
    help:
      "Whether the lines of the log are sent too, beside being written; by default where otlp.logs_endpoint is set. They go to otlp.endpoint where nothing else is said.",
  }),
  setting({
    key: "otlp.logs_endpoint",
    type: endpointOrNone(),
    fallbacks: [exporterVariable("logs"), { variable: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT" }],
    help: "Where lines of the log are sent, the URL used as it is; `none` sends none.",
  }),
  setting({
    key: "otlp.logs_headers",
    type: headerList(),
    secret: true,
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_LOGS_HEADERS" }],
    help: "Headers of requests that send lines of the log, beside otlp.headers and before those of the same name.",
  }),
] as const;

/** The values of {@linkcode SENT_LOGS_SETTINGS}. */
export type SentLogsSettings = SettingsOf<typeof SENT_LOGS_SETTINGS>;
