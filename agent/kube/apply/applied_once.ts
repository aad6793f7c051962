import type { RecordedObject } from "../../plan/record.ts";
import type { Desired } from "../desired.ts";
import { objectKey } from "../names.ts";
import type { Records } from "../records/records.ts";
import { shortChecksum } from "../records/turn_record.ts";

/** Whether an object that is to be applied once for its manifest was: it may be gone since, as a Job with a TTL is. */
export function wasAppliedOnce({ policies, checksum }: Desired, recorded: RecordedObject | undefined): boolean {
  return policies.apply === "once" && recorded?.uid !== undefined && recorded.checksum === shortChecksum(checksum);
}

/** What the record of any stack of this agent says of an object that was applied once: it may have moved since. */
export function appliedElsewhere(records: Pick<Records, "known">, desired: Desired): RecordedObject | undefined {
  if (desired.policies.apply !== "once") return undefined;
  const { name } = desired.place;
  for (const { objects } of records.known()) {
    const found = objects.find((one) =>
      one.name === name && objectKey(one, one) === desired.key && wasAppliedOnce(desired, one)
    ); // its name first: each of a bundle's objects looks through all that the agent has
    if (found !== undefined) return found;
  }
  return undefined;
}
