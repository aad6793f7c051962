import { apiPage, openApiText } from "./api.ts";
import { errorCodesPage } from "./error_codes.ts";
import { monitoringPage } from "./monitoring.ts";
import { settingsPage } from "./settings.ts";

/** Every generated page: its path in the repository, and what makes its text. */
export const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  "docs/content/reference/api.md": apiPage,
  "docs/content/reference/error-codes.md": errorCodesPage,
  "docs/content/reference/monitoring.md": monitoringPage,
  "docs/content/reference/openapi.json": openApiText,
  "docs/content/reference/settings.md": settingsPage,
};
