import { STATUS_OF } from "$lib/error.ts";
import { code, GENERATED, table } from "./markdown.ts";

/** The page of every error code with its status. */
export function errorCodesPage(): string {
  const rows = Object.entries(STATUS_OF).map(([name, status]) => [String(status), code(name)]);
  return `${GENERATED}

# Error codes

For whoever writes a client of the broker's API. Every error answer is JSON, whatever went wrong:

\`\`\`json
{ "code": "stack_not_found", "message": "Cannot get stack \\"…\\": there is none", "details": {} }
\`\`\`

Clients decide by \`code\`; the message is for people and may change. \`details\` is there when it says more, such as every
fault of a bad body under \`details.errors\`. A code keeps its status.

${table(["Status", "Code"], rows)}

## Read next

The [API](api.md).
`;
}
