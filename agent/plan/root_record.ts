import { z } from "zod";
import type { RootRecord, Stamp } from "./guard.ts";

/** The annotations of an object. */
export type Annotations = Readonly<Record<string, string>>;

const EPOCH = "brokkr.io/epoch";
const REVISION = "brokkr.io/revision";
const HOLD = "brokkr.io/hold";
const HELD = "brokkr.io/held";
const ACCEPT_EPOCH = "brokkr.io/accept-epoch";

const Revision = z.int().min(0);
const HoldAnnotation = z.object({ epoch: z.string(), revision: Revision });
const HeldAnnotation = z.object({ revision: Revision, stackIds: z.array(z.string()), isApproved: z.boolean() });
/** What stands for a hold of which only that it is there is known: the next write of the root says it. */
const UNREADABLE: Stamp = { epoch: "unreadable", revision: 0 };

/** What a root's annotations say, and which of them say nothing. */
export interface RootReading {
  readonly record: RootRecord;
  /** The names of annotations that somebody spoilt. */
  readonly spoilt: readonly string[];
}

/**
 * Reads a root's annotations. A spoilt one may have said that something is held, or which broker is known, so it is taken
 * for a hold: what is to be applied goes on, and nothing is pruned until a person accepts the broker's epoch.
 */
export function readRootRecord(annotations: Annotations): RootReading {
  const spoilt: string[] = [];
  const read = <T>(name: string, shape: z.ZodType<T>): T | undefined => {
    if (annotations[name] === undefined) return undefined;
    const { data } = shape.safeParse(json(annotations[name]));
    if (data === undefined) spoilt.push(name);
    return data;
  };
  const { [EPOCH]: epoch, [ACCEPT_EPOCH]: acceptEpoch } = annotations;
  const [revision, hold, held] = [read(REVISION, Revision), read(HOLD, HoldAnnotation), read(HELD, HeldAnnotation)];
  if (epoch !== undefined && annotations[REVISION] === undefined) spoilt.push(REVISION);
  const known = epoch === undefined ? undefined : { epoch, revision: revision ?? UNREADABLE.revision };
  return { record: { known, hold: hold ?? (spoilt.length > 0 ? UNREADABLE : undefined), held, acceptEpoch }, spoilt };
}

/** What a root's annotations must be, to say this. */
export function rootAnnotations({ known, hold, held, acceptEpoch }: RootRecord): Annotations {
  return {
    ...(known === undefined ? {} : { [EPOCH]: known.epoch, [REVISION]: String(known.revision) }),
    ...(hold === undefined ? {} : { [HOLD]: JSON.stringify(hold) }),
    ...(held === undefined ? {} : { [HELD]: JSON.stringify(held) }),
    ...(acceptEpoch === undefined ? {} : { [ACCEPT_EPOCH]: acceptEpoch }),
  };
}

/** What to send so that a root's annotations say what they should; null takes one away, undefined is nothing to send. */
export function rootDifference(
  before: Annotations,
  after: Annotations,
): Readonly<Record<string, string | null>> | undefined {
  const names = [EPOCH, REVISION, HOLD, HELD, ACCEPT_EPOCH].filter((name) => before[name] !== after[name]);
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, after[name] ?? null]));
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
