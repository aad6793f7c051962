import { createHash, timingSafeEqual } from "node:crypto";
import type { Log } from "$lib/log.ts";
import { plainText } from "$lib/serve.ts";

/** Who knows the token that is asked for. */
export interface BearerParts {
  /** The token as it is now; asked for at each request, so that a rotated one counts at once. */
  readonly readToken: () => Promise<string>;
  readonly log: Log;
}

type Handler = (request: Request) => Promise<Response>;

/** Lets only requests through that bring the token; while nobody knows which one that is, none. */
export function withBearer(handle: Handler, { readToken, log }: BearerParts): Handler {
  return async (request) => {
    let token: string;
    try {
      token = await readToken();
    } catch (error) {
      log.error("the token that scrapes must bring can't be read", { error });
      return plainText(503, "Cannot check the token\n");
    }
    if (isSame(bearerOf(request), token)) return await handle(request);
    return plainText(401, "Cannot answer without the right bearer token\n", { "www-authenticate": "Bearer" });
  };
}

function bearerOf({ headers }: Request): string {
  return /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1] ?? "";
}

/** Takes the same time for any two texts of the same lengths. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
