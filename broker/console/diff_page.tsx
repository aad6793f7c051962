import { structuredPatch } from "diff";
import { Failure } from "$lib/error.ts";
import type { ObjectHead } from "../domain/deployment_object.ts";
import { sequenceOf } from "./ids.ts";
import { htmlOf } from "./layout.tsx";
import { maskedPair } from "./masked_manifests.ts";
import type { Visit } from "./parts.ts";
import { ownStack } from "./stack_page.tsx";
import { badge, named, type Tone } from "./words.tsx";

/** Beyond these, reading both would keep others waiting. */
const SIZE_MAX_BYTES = 1_048_576;
/** How many lines of one object may differ before it is only named. */
const EDITS_MAX = 1_000;
const LINES_MAX = 3_000;

/** How one object differs. */
interface Difference {
  readonly name: string;
  readonly word: "added" | "removed" | "changed";
  /** With their first characters, as in a unified diff; undefined where too many differ. */
  readonly lines: readonly string[] | undefined;
}

const TONES: Readonly<Record<Difference["word"], Tone>> = { added: "good", removed: "bad", changed: "busy" };

/** What changed from one submission of a stack to another, object by object. */
export async function diffPage(visit: Visit): Promise<Response> {
  const { url: { searchParams }, store: { stackHistory } } = visit;
  const stack = await ownStack(visit);
  const [from, to] = await Promise.all(
    ["from", "to"].map((name) => stackHistory.find(stack.id, sequenceOf(searchParams.get(name)))),
  );
  if (from === undefined || to === undefined) throw new Failure("deployment_object_not_found", "Cannot compare: none");
  const differences = await differencesOf(from, to, visit);
  const content = (
    <>
      <h1>What changed in {named(stack.name)}</h1>
      <p>
        From submission {from.sequenceId} to{" "}
        {to.sequenceId}, object by object: the order of keys and comments are left out, and of Secrets every value.{" "}
        <a href={`/console/stacks/${stack.id}`}>Back to the stack</a>
      </p>
      {differences.length === 0 ? <p class="notice good">No object differs.</p> : withinLines(differences)}
    </>
  );
  return htmlOf({ title: `What changed in ${stack.name}`, visit, content });
}

/** @throws {Failure} `body_not_kept`, `too_large`. */
async function differencesOf(from: ObjectHead, to: ObjectHead, { store: { objects } }: Visit) {
  for (const { sequenceId, sizeBytes, isBodyKept } of [from, to]) {
    const what = `Cannot compare submission ${sequenceId}`;
    if (!isBodyKept) {
      throw new Failure("body_not_kept", `${what}: its body was not kept (broker.deployment_objects_kept)`);
    }
    if (sizeBytes > SIZE_MAX_BYTES) {
      throw new Failure("too_large", `${what}: it has ${sizeBytes} bytes, more than ${SIZE_MAX_BYTES}`);
    }
  }
  const bodies = await objects.bodies([from.id, to.id]);
  const { before, after } = maskedPair(bodies.get(from.id) ?? "", bodies.get(to.id) ?? "");
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => differenceOf(name, before.get(name), after.get(name)));
}

function differenceOf(name: string, before: string | undefined, after: string | undefined): readonly Difference[] {
  if (before === after) return [];
  const patch = structuredPatch(name, name, before ?? "", after ?? "", "", "", {
    context: 3,
    maxEditLength: EDITS_MAX,
  });
  const lines = patch?.hunks.flatMap((hunk, index) => [...(index === 0 ? [] : ["…"]), ...hunk.lines]);
  return [{ name, word: before === undefined ? "added" : after === undefined ? "removed" : "changed", lines }];
}

/** Objects beyond so many lines are only named. */
function withinLines(differences: readonly Difference[]) {
  let lines = 0;
  return differences.map(({ name, word, lines: own }) => {
    lines += own?.length ?? 0;
    return (
      <article>
        <h2>{named(name)} {badge(word, TONES[word])}</h2>
        {own === undefined || lines > LINES_MAX
          ? <p>Too many lines differ to show them here.</p>
          : <pre class="diff" tabindex={0}>{own.map(line)}</pre>}
      </article>
    );
  });
}

function line(text: string) {
  const whole = `${text}\n`;
  if (text.startsWith("+")) return <ins>{whole}</ins>;
  return text.startsWith("-") ? <del>{whole}</del> : <span>{whole}</span>;
}
