/** The channel on which every replica hears of changes. */
export const CHANGES = "brokkr_changes";

/** What changed, as far as anybody listens for it: a notice costs each transaction its turn. `keys` means that an answer of authentication may no longer be true. */
const CHANGED = ["keys", "agents", "generators", "stacks", "deployment_objects"] as const;
/** One of {@linkcode CHANGED}. */
export type Changed = (typeof CHANGED)[number];

/** The payload of a notice: what a committed transaction changed. */
export function writeNotice(changed: readonly Changed[]): string {
  return JSON.stringify({ changed });
}

/** Reads a payload; one from a newer program may name things this one passes over. */
export function readNotice(payload: string): readonly Changed[] {
  const { changed } = JSON.parse(payload) as { readonly changed: readonly string[] };
  return CHANGED.filter((each) => changed.includes(each));
}
