import { apiPage, openApiText, servedOpenApiText } from "./api.ts";
import { CHART_PAGES } from "./charts/mod.ts";
import { commandsPage } from "./commands.ts";
import { fleetDashboard } from "./dashboards/fleet.ts";
import { grafanaJson } from "./dashboards/grafana.ts";
import { healthDashboard } from "./dashboards/health.ts";
import { errorCodesPage } from "./error_codes.ts";
import { monitoringPage } from "./monitoring/page.ts";
import { SCALE_PAGES } from "./scale/page.ts";
import { answersPage } from "./outages/page.ts";
import { settingsPage } from "./settings.ts";

/** Every generated page: its path in the repository, and what makes its text. */
export const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  "broker/http/openapi.json": servedOpenApiText,
  "charts/brokkr-agent/dashboards/agent-health.json": () => grafanaJson(healthDashboard("agent")),
  "charts/brokkr-broker/dashboards/broker-health.json": () => grafanaJson(healthDashboard("broker")),
  "charts/brokkr-broker/dashboards/fleet.json": () => grafanaJson(fleetDashboard()),
  "docs/content/how-to/answer-alerts.md": answersPage,
  "docs/content/reference/api.md": apiPage,
  "docs/content/reference/commands.md": commandsPage,
  "docs/content/reference/error-codes.md": errorCodesPage,
  "docs/content/reference/monitoring.md": monitoringPage,
  "docs/content/reference/openapi.json": openApiText,
  "docs/content/reference/settings.md": settingsPage,
  ...SCALE_PAGES,
  ...CHART_PAGES,
};
