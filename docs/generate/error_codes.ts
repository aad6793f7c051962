import { STATUS_OF } from "$lib/error.ts";
import { code, GENERATED, table } from "./markdown.ts";

/** The page of every error code with its status. */
export function errorCodesPage(): string {
  const rows = Object.entries(STATUS_OF).map(([name, status]) => [String(status), code(name)]);
  return `${GENERATED}

# Error codes

For whoever writes a client of the broker's API. Every error response is JSON:

\`\`\`json
{ "code": "stack_not_found", "message": "Cannot get stack \\"…\\": there is none", "details": {} }
\`\`\`

Clients should rely on \`code\`; the message is for people and may change. \`details\` is present when there is more to say,
for example every fault in a bad body, under \`details.errors\`, or the trace in which the request is found, under
\`details.trace_id\`. A code always has the same status.

${table(["Status", "Code"], rows)}

## Read next

The [API](api.md).
`;
}
