import { Name } from "$lib/wire/common.ts";
import { faultsOf, faultyInput } from "./problem.ts";

type Names<Text> = Readonly<Record<string, Text>>;

/**
 * Whether names are as new ones must be; one that stays as it is may be older than that.
 *
 * @throws {Failure} `invalid_request_body`, which names each that is not.
 */
export function checkChangedNames(wanted: Names<string | undefined>, kept: Names<string>): void {
  const changed = Object.entries(wanted).filter(([path, name]) => name !== undefined && name !== kept[path]);
  const faults = changed.flatMap(([path, name]) => {
    const { error } = Name.safeParse(name);
    return error === undefined ? [] : faultsOf(error).map(({ message }) => ({ path, message }));
  });
  if (faults.length > 0) throw faultyInput("invalid_request_body", "Cannot accept the body: it has faults", faults);
}
