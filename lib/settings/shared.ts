import { LOG_FORMATS, LOG_LEVELS } from "$lib/log.ts";
import { setting } from "$lib/settings/declaration.ts";
import { OTLP_SETTINGS } from "$lib/settings/otlp.ts";
import { SENT_LOGS_SETTINGS } from "$lib/settings/sent_logs.ts";
import { TRACING_SETTINGS } from "$lib/settings/tracing.ts";
import { boolean, choice, integer, text } from "$lib/settings/types.ts";

/** The settings of logs and of the page of metrics, the same in both programs. */
export const PAGE_SETTINGS = [
  setting({
    key: "log.level",
    type: choice(LOG_LEVELS),
    default: "info",
    help: "Minimum log level.",
  }),
  setting({
    key: "log.format",
    type: choice(LOG_FORMATS),
    default: "text",
    help: "Log format: text for people, json for machines.",
  }),
  setting({
    key: "metrics.enabled",
    type: boolean(),
    default: true,
    help: "Whether there are metrics; if not, nothing is collected.",
  }),
  setting({
    key: "metrics.port",
    type: integer({ max: 65_535 }),
    help:
      "A port for `/metrics` alone, at the address of the main listener, which then does not serve it; 0 lets the system choose.",
  }),
  setting({
    key: "metrics.bearer_token_file",
    type: text(),
    help:
      "A file that holds the token that scrapes must bring as `Authorization: Bearer`; read at each scrape, so that a rotated token counts at once.",
  }),
] as const;

/** The settings that do the same in both programs. */
export const SHARED_SETTINGS = [
  ...PAGE_SETTINGS,
  ...OTLP_SETTINGS,
  ...TRACING_SETTINGS,
  ...SENT_LOGS_SETTINGS,
] as const;
