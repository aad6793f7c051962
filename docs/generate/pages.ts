import { errorCodesPage } from "./error_codes.ts";

/** Every generated page: its path in the repository, and what makes its text. */
export const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  "docs/content/reference/error-codes.md": errorCodesPage,
};
