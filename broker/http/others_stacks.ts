import type { Caller } from "../domain/caller.ts";
import { stacksNamedIn, withoutOtherStacks } from "../domain/others_stacks.ts";
import type { Store } from "../store/mod.ts";

/**
 * The body as the caller may see it: agents name stacks of others in what they say, and those are no generator's to
 * know.
 */
export async function asSeenBy<T>(caller: Caller, body: T, stacks: Store["stacks"]): Promise<T> {
  if (caller.role !== "generator") return body;
  const names = stacksNamedIn(body);
  if (names.length === 0) return body;
  return withoutOtherStacks(body, await stacks.ownOf(caller.id, names));
}
