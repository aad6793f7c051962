import { shortened } from "$lib/error.ts";
import { ADOPTED, APPLYSET_PREFIX, MANIFEST_CHECKSUM, OWN_PREFIX, OWNER_ID, PART_OF } from "$lib/marks.ts";

/** What a manifest's annotations say about how it is delivered; what is absent is as usual. */
export interface Policies {
  /** It stays in the cluster when it leaves the bundle or the stack goes. */
  readonly prune?: "disabled";
  /** `once`: applied once for this manifest; `if-absent`: made where there is none, never changed. */
  readonly apply?: "once" | "if-absent";
  /** A change that Kubernetes refuses to make is made by a new object in the old one's place. */
  readonly replace?: "immutable";
  /** JSON pointers to what is written when the object is made, and left to others from then on. */
  readonly ignore?: readonly string[];
  /** What becomes of fields that another manager owns: `disabled` refuses, `always` never yields. */
  readonly force?: "disabled" | "always";
  /** Whose the object is if it was there before: `keep` releases it at the end, `own` deletes it. */
  readonly adopt?: "own" | "keep";
}

const VALUES = {
  prune: ["disabled"],
  apply: ["once", "if-absent"],
  replace: ["immutable"],
  force: ["disabled", "always"],
  adopt: ["own", "keep"],
} as const satisfies Partial<Record<keyof Policies, readonly string[]>>;

const NAMES = [...Object.keys(VALUES), "ignore"].map((name) => OWN_PREFIX + name);
/** Without control characters: where pointers stand one a line, their commas are missing. */
const POINTER = /^(?:\/(?:[^/~\p{Cc}]|~[01])*)+$/u;
/** What an object is found by, and known as ours: it can't be left to others. */
const IDENTITY = ["/apiVersion", "/kind", "/metadata", "/metadata/name", "/metadata/namespace"]
  .concat(["/metadata/labels", "/metadata/annotations"]);
const OURS = [OWN_PREFIX, `k8s.${OWN_PREFIX}`, APPLYSET_PREFIX].flatMap((prefix) =>
  ["labels", "annotations"].map((field) => `/metadata/${field}/${prefix.replace("/", "~1")}`)
);
const MARKS = [OWNER_ID, MANIFEST_CHECKSUM, ADOPTED];
const QUOTED_MAX = 60;

/**
 * Reads the policies of a manifest's annotations, with a fault for each annotation of ours that is none, or says what
 * it can't. Our own marks are passed over: what `kubectl get -o yaml` printed has them.
 */
export function readPolicies(
  annotations: Readonly<Record<string, unknown>>,
): { readonly policies: Policies; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const policies: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(annotations)) {
    if (isMisnamed(key)) faults.push(`annotation "${key}" is no policy: write "${key.slice(MISNAMED.length)}"`);
    if (!key.startsWith(OWN_PREFIX) || MARKS.includes(key)) continue;
    const read = readPolicy(key.slice(OWN_PREFIX.length), value);
    if (read.fault === undefined) policies[key.slice(OWN_PREFIX.length)] = read.value;
    else faults.push(`annotation "${shortened(key, QUOTED_MAX)}" ${read.fault}`);
  }
  return { policies, faults };
}

/** A fault for each label that only the program may set, or that means a policy; its mark of members is passed over. */
export function labelFaults(labels: Readonly<Record<string, unknown>>): readonly string[] {
  const brought = Object.keys(labels).filter((label) => label.startsWith(APPLYSET_PREFIX) && label !== PART_OF);
  const policies = Object.keys(labels).filter((label) => NAMES.includes(label));
  return [
    ...brought.map((label) => `brings the label "${shortened(label, QUOTED_MAX)}", which is ours`),
    ...policies.map((label) => `label "${label}" is no policy: write it as an annotation`),
  ];
}

const MISNAMED = "k8s.";

/** The prefix of our annotation that names a stack makes no policy: who writes one so relies on it. */
function isMisnamed(key: string): boolean {
  return key.startsWith(MISNAMED) && NAMES.includes(key.slice(MISNAMED.length));
}

function readPolicy(name: string, value: unknown): { readonly value?: unknown; readonly fault?: string } {
  if (name === "ignore") return readPointers(value);
  if (!Object.hasOwn(VALUES, name)) return { fault: `is none of ours: there are ${NAMES.join(", ")}` };
  const allowed: readonly string[] = VALUES[name as keyof typeof VALUES];
  if (typeof value === "string" && allowed.includes(value)) return { value };
  return { fault: `must be ${allowed.map((one) => `"${one}"`).join(" or ")}` };
}

function readPointers(value: unknown): { readonly value?: readonly string[]; readonly fault?: string } {
  const pointers = typeof value === "string" ? value.split(",").map((one) => one.trim()) : [];
  const wrong = pointers.find((pointer) =>
    !POINTER.test(pointer) || IDENTITY.includes(pointer) || OURS.some((ours) => pointer.startsWith(ours))
  );
  if (pointers.length > 0 && wrong === undefined) return { value: pointers };
  return {
    fault: "must be JSON pointers such as /spec/replicas, with commas between, and none to the object's identity, " +
      "to all of its labels or annotations, or to ours",
  };
}
