import type { ObjectResult } from "$lib/wire/event.ts";

/** A request to the broker, for a shell with `BROKKR_URL` and `BROKKR_PAK`. */
export function request(method: string, path: string, body?: unknown): string {
  const sent = body === undefined ? "" : ` -d ${word(JSON.stringify(body))}`;
  return `curl -X ${method} "$BROKKR_URL/api/v1${path}" -H "Authorization: $BROKKR_PAK"${sent}`;
}

/** What a command names a stack by. */
interface NamedStack {
  readonly id: string;
  readonly name: string;
}

/** Submits a mended bundle to a stack. */
export function submit(stack: NamedStack, more = ""): string {
  return `brokkr-broker apply -f bundle.yaml --stack ${stackWord(stack)}${more}`;
}

/** Submits again what was submitted before. */
export function rollback(stack: NamedStack, sequenceId: number): string {
  return `brokkr-broker rollback ${stackWord(stack)} --to ${sequenceId}`;
}

/** Ends that a stack is suspended. */
export function resume(stack: NamedStack): string {
  return `brokkr-broker resume ${stackWord(stack)}`;
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
