import type { Context } from "hono";
import { mayChangeStack } from "../domain/access.ts";
import type { Stack } from "../domain/stack.ts";
import { summariesOf } from "../http/causes.ts";
import { submitted } from "../http/deployment_objects.ts";
import { asSeenBy } from "../http/others_stacks.ts";
import { bodyOfSubmission } from "../http/stack_history.ts";
import type { PastSubmission } from "../store/stack_history.ts";
import { causeSummaries } from "./causes.tsx";
import { deliveryTable } from "./delivery_table.tsx";
import { idOf, sequenceOf } from "./ids.ts";
import { form, htmlOf } from "./layout.tsx";
import type { Visit } from "./parts.ts";
import { facts, named, timeAgo } from "./words.tsx";

/** Deliveries that are asked why: the troubled ones come first. */
const ASKED = 1_000;
const SHOWN = 50;
const SUBMISSIONS = 50;

/** One stack: why it is not everywhere, its deliveries, and what was submitted to it. */
export async function stackPage(visit: Visit): Promise<Response> {
  const { url, caller, store: { deliveries, stackHistory, stacks, causeFacts }, parts: { limits, clock } } = visit;
  const stack = await ownStack(visit);
  const [summaries, list, history] = await Promise.all([
    summariesOf(stack, { caller, limits, causeFacts }),
    deliveries.list({ stackId: stack.id }, limits, { limit: ASKED }),
    stackHistory.list(stack.id, limits, { limit: SUBMISSIONS }),
  ]);
  for (const seen of list.items) summaries.add(seen);
  const content = (
    <>
      <h1>{named(stack.name)}</h1>
      {rolledBack(url.searchParams.get("submitted"))}
      {about(stack)}
      <h2>What is in its way</h2>
      {causeSummaries(await asSeenBy(caller, summaries.list(), stacks))}
      {list.next === undefined ? "" : <p>Asked of {ASKED} deliveries, those in trouble first.</p>}
      <h2>Deliveries</h2>
      {deliveryTable(list.items.slice(0, SHOWN), "agent", visit)}
      {list.items.length <= SHOWN ? "" : (
        <p>
          The first {SHOWN}; <a href={`/console?${new URLSearchParams({ stack: stack.name })}`}>all of them</a>
        </p>
      )}
      <h2>What was submitted</h2>
      {submissions(history.items, { stack, now: new Date(clock.now()) })}
    </>
  );
  return htmlOf({ title: stack.name, visit, isLive: true, content });
}

/** Asks whether to roll back. */
export async function rollbackPage(visit: Visit): Promise<Response> {
  const { url, store: { stackHistory } } = visit;
  const stack = await ownStack(visit);
  const { sequenceId, submittedAt } = await stackHistory.find(stack.id, sequenceOf(url.searchParams.get("to")));
  const content = (
    <div class="narrow">
      <h1>Roll back {named(stack.name)}</h1>
      <p>
        What was submitted as {sequenceId} at <time>{submittedAt.toISOString()}</time>{" "}
        is submitted again, as a new submission, and goes to every agent of the stack.
      </p>
      {form(visit, {
        action: `/console/stacks/${stack.id}/rollback`,
        content: (
          <>
            <input type="hidden" name="to" value={`${sequenceId}`} />
            <button type="submit">Roll back to {sequenceId}</button>{" "}
            <a href={`/console/stacks/${stack.id}`}>Leave it</a>
          </>
        ),
      })}
    </div>
  );
  return htmlOf({ title: `Roll back ${stack.name}`, visit, content });
}

/** Submits again what was submitted before. */
export async function rollBack(visit: Visit, context: Context): Promise<Response> {
  const { form, caller, request, store, parts: { parseBundle } } = visit;
  const { id: stackId } = await ownStack(visit);
  const yamlContent = await bodyOfSubmission({ stackId, sequenceId: sequenceOf(form.get("to")) }, store);
  const submission = { stackId, yamlContent, isDeletionMarker: false };
  const { object } = await submitted(submission, {
    caller,
    request,
    parseBundle,
    objects: store.objects,
    span: undefined,
  });
  return context.redirect(`/console/stacks/${stackId}?submitted=${object.sequenceId}`, 303);
}

/** The stack of the path. @throws {Failure} `stack_not_found`, `stack_not_owned`. */
export async function ownStack({ params, caller, store: { stacks } }: Visit): Promise<Stack> {
  const stack = await stacks.get(idOf(params.id, "stack_not_found"));
  mayChangeStack(caller, stack);
  return stack;
}

function rolledBack(sequence: string | null) {
  if (sequence === null || !/^\d{1,15}$/.test(sequence)) return "";
  return <p class="notice good" role="status">Rolled back: what it had is now submission {sequence}.</p>;
}

function about({ description, suspended, drift, defaultNamespace, id }: Stack) {
  return facts([
    ["Description", description === undefined ? undefined : named(description)],
    ["Suspended", suspended ? "yes: agents write nothing for it" : undefined],
    ["Drift", drift],
    ["Default namespace", defaultNamespace],
    ["Id", <code>{id}</code>],
  ]);
}

interface Submitted {
  readonly stack: Stack;
  readonly now: Date;
}

function submissions(history: readonly PastSubmission[], { stack, now }: Submitted) {
  if (history.length === 0) return <p>Nothing yet.</p>;
  return (
    <div class="scroll" role="region" aria-label="Submissions" tabindex={0}>
      <table>
        <thead>
          <tr>
            {["Submission", "When", "By", "Size", "Settled", "Applied", "Healthy", "Failed", ""].map((word) => (
              word === "" ? <td></td> : <th scope="col">{word}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {history.map((one, index) => submissionRow(one, { stack, now, before: history[index + 1], index }))}
        </tbody>
      </table>
    </div>
  );
}

interface RowPlace extends Submitted {
  readonly before: PastSubmission | undefined;
  /** 0 is the newest. */
  readonly index: number;
}

function submissionRow(past: PastSubmission, { stack, now, before, index }: RowPlace) {
  const { object, submittedBy, settledAt, applied, healthy, failed } = past;
  const path = `/console/stacks/${stack.id}`;
  return (
    <tr>
      <th scope="row">{object.sequenceId}{object.isDeletionMarker ? " (deletion)" : ""}</th>
      <td>{timeAgo(object.submittedAt, now)}</td>
      <td>{submittedBy === undefined ? "–" : named(submittedBy.name ?? submittedBy.role)}</td>
      <td>{object.isBodyKept ? sizeOf(object.sizeBytes) : "not kept"}</td>
      <td>{timeAgo(settledAt, now)}</td>
      <td>{applied}</td>
      <td>{healthy}</td>
      <td>{failed}</td>
      <td class="actions">
        {before === undefined || !object.isBodyKept || !before.object.isBodyKept
          ? ""
          : (
            <a href={`${path}/diff?from=${before.object.sequenceId}&to=${object.sequenceId}`}>
              What changed<span class="unseen">in {object.sequenceId}</span>
            </a>
          )} {index === 0 || object.isDeletionMarker || !object.isBodyKept
          ? ""
          : (
            <a href={`${path}/rollback?to=${object.sequenceId}`}>
              Roll back<span class="unseen">to {object.sequenceId}</span>
            </a>
          )}
      </td>
    </tr>
  );
}

function sizeOf(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
