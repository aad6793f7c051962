import type { ObjectResult } from "$lib/wire/event.ts";

/** What a command names a stack by. */
interface NamedStack {
  readonly id: string;
  readonly name: string;
}

/** Submits a mended bundle to a stack. */
export function submit(stack: NamedStack): string {
  return `brokkr-broker apply -f bundle.yaml --stack ${stackWord(stack)}`;
}

/** Says who is to have a stack: one that a person knows. */
export function target(stack: NamedStack): string {
  return `brokkr-broker target ${stackWord(stack)} agent=AGENT`;
}

/** Submits again what was submitted before. */
export function rollback(stack: NamedStack, sequenceId: number): string {
  return `brokkr-broker rollback ${stackWord(stack)} --to ${sequenceId}`;
}

/** Ends that a stack is suspended; one that is deleted is found by its id alone. */
export function resume(stack: NamedStack, { isDeleted }: { readonly isDeleted: boolean }): string {
  return `brokkr-broker resume ${isDeleted ? stack.id : stackWord(stack)}`;
}

/** Lets an agent write to its cluster. */
export function activate(agentId: string): string {
  return `brokkr-broker activate ${agentId}`;
}

/** Lets an agent receive from a generator. */
export function register(agentId: string, generatorId: string): string {
  return `brokkr-broker register ${agentId} --generator ${generatorId}`;
}

/** Approves what an agent holds at a revision; of one stack, what fills its namespaces. Agents of one name are many. */
export function approve(agentId: string, revision: number, stack?: NamedStack): string {
  return `brokkr-broker approve ${agentId}${stack ? ` --stack ${stackWord(stack)}` : ""} --revision ${revision}`;
}

/** A name that begins like a flag is none to a command, nor is one that looks like an id. */
function stackWord({ id, name }: NamedStack): string {
  return name.startsWith("-") || /^[0-9a-f-]{36}$/i.test(name) ? id : word(name);
}

/** Shows what a cluster says of an object. */
export function describe(
  { group, kind, namespace, name }: Pick<ObjectResult, "group" | "kind" | "namespace" | "name">,
) {
  const type = group ? `${kind}.${group}` : kind;
  const where = namespace === undefined ? "" : ` --namespace ${word(namespace)}`;
  return `kubectl describe ${word(type)} ${word(name)}${where}`;
}

/** One word of a shell, whatever it holds: names come from clusters and clients. */
export function word(text: string): string {
  return /^[\w./:-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
