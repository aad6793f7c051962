import { type ErrorCode, Failure } from "$lib/error.ts";
import type { Agent, AgentChange } from "./agent.ts";
import type { Caller, Role } from "./caller.ts";

/** What rules need to know of an agent. */
export type NamedAgent = Pick<Agent, "id" | "name" | "clusterName">;

/** What rules need to know of a stack. */
export interface OwnedStack {
  readonly id: string;
  readonly generatorId: string;
}

/** What rules need to know of a generator. */
export interface KnownGenerator {
  readonly id: string;
  readonly isSystem: boolean;
}

const REFUSED: Readonly<Record<Role, ErrorCode>> = {
  admin: "admin_required",
  agent: "agent_pak_required",
  generator: "generator_required",
};

/**
 * Whether the caller's role may call at all.
 *
 * @throws {Failure} Where one role alone may call, the code that names it: `admin_required`, `agent_pak_required`,
 * `generator_required`; else `forbidden`.
 */
export function mayCall(caller: Caller, roles: readonly Role[]): void {
  const [first] = roles;
  const code = roles.length === 1 && first !== undefined ? REFUSED[first] : "forbidden";
  allow(roles.includes(caller.role), code, "call this", caller);
}

/** An agent's own affairs: the admin's and the agent's itself. @throws {Failure} `agent_pak_mismatch`. */
export function mayUseAgent(caller: Caller, agentId: string): void {
  if (caller.role === "admin") return;
  allow(isSelf(caller, "agent", agentId), "agent_pak_mismatch", `use agent "${agentId}"`, caller);
}

/**
 * Changing an agent: the admin anything, the agent its own status. Names that stay as they are change nothing.
 *
 * @throws {Failure} `agent_pak_mismatch`; `forbidden` for the agent's own name or cluster name.
 */
export function mayChangeAgent(caller: Caller, agent: NamedAgent, wanted: AgentChange): void {
  mayUseAgent(caller, agent.id);
  if (caller.role === "admin") return;
  const { name = agent.name, clusterName = agent.clusterName } = wanted;
  const isRenamed = name !== agent.name || clusterName !== agent.clusterName;
  allow(!isRenamed, "forbidden", `rename agent "${agent.id}"`, caller);
}

/** A former key does everything but make another one. @throws {Failure} `forbidden`. */
export function mayRotate(caller: Caller): void {
  allow(caller.isByFormerKey !== true, "forbidden", "rotate a key that was rotated already", caller);
}

/**
 * What only the agent itself does: heartbeat, held requests.
 *
 * @throws {Failure} `agent_pak_required`, `agent_pak_mismatch`.
 */
export function mayActAsAgent(caller: Caller, agentId: string): void {
  allow(caller.role === "agent", "agent_pak_required", `act as agent "${agentId}"`, caller);
  allow(caller.id === agentId, "agent_pak_mismatch", `act as agent "${agentId}"`, caller);
}

/** A generator's own affairs: the admin's and the generator's itself. @throws {Failure} `generator_not_owned`. */
export function mayUseGenerator(caller: Caller, generatorId: string): void {
  if (caller.role === "admin") return;
  allow(isSelf(caller, "generator", generatorId), "generator_not_owned", `use generator "${generatorId}"`, caller);
}

/** Nobody deletes the system generator. @throws {Failure} `generator_not_owned`, `cannot_delete_system_generator`. */
export function mayDeleteGenerator(caller: Caller, generator: KnownGenerator): void {
  mayUseGenerator(caller, generator.id);
  allow(!generator.isSystem, "cannot_delete_system_generator", "delete the system generator", caller);
}

/** The system generator stays as it is. @throws {Failure} `generator_not_owned`, `system_generator_not_a_tenant`. */
export function mayChangeGenerator(caller: Caller, generator: KnownGenerator): void {
  mayUseGenerator(caller, generator.id);
  allow(!generator.isSystem, "system_generator_not_a_tenant", "change the system generator", caller);
}

/**
 * New keys: the system generator has none. @throws {Failure} `generator_not_owned`, `system_generator_not_a_tenant`.
 */
export function mayRotateGenerator(caller: Caller, generator: KnownGenerator): void {
  mayUseGenerator(caller, generator.id);
  allow(!generator.isSystem, "system_generator_not_a_tenant", "give the system generator a key", caller);
}

/**
 * The agent that registers or deregisters: the caller itself, or the one that the admin names.
 *
 * @throws {Failure} `missing_agent_id`, `agent_pak_mismatch`; `system_generator_not_a_tenant`: every agent is
 * registered with the system generator, always.
 */
export function registeringAgent(caller: Caller, generator: KnownGenerator, named: string | undefined): string {
  const agentId = named ?? (caller.role === "agent" ? caller.id : undefined);
  if (agentId === undefined) throw new Failure("missing_agent_id", "Cannot register: agent_id is missing");
  mayUseAgent(caller, agentId);
  allow(!generator.isSystem, "system_generator_not_a_tenant", "register with the system generator", caller);
  return agentId;
}

/**
 * A generator makes stacks of its own, the admin those of any.
 *
 * @throws {Failure} `stack_create_denied` for an agent; `stack_generator_mismatch` for another generator's stack.
 */
export function mayCreateStack(caller: Caller, generatorId: string): void {
  if (caller.role === "admin") return;
  allow(caller.role === "generator", "stack_create_denied", "create a stack", caller);
  allow(caller.id === generatorId, "stack_generator_mismatch", `create a stack of generator "${generatorId}"`, caller);
}

/**
 * Whose stacks the caller may list: a generator's own, or all.
 *
 * @throws {Failure} `stacks_list_denied` for an agent.
 */
export function listableStacks(caller: Caller): { readonly generatorId?: string } {
  allow(caller.role !== "agent", "stacks_list_denied", "list stacks", caller);
  return caller.role === "generator" ? { generatorId: caller.id } : {};
}

/**
 * Changing a stack, its labels, annotations and objects: its owner's and the admin's.
 *
 * @throws {Failure} `stack_not_owned`.
 */
export function mayChangeStack(caller: Caller, stack: OwnedStack): void {
  if (caller.role === "admin") return;
  allow(isSelf(caller, "generator", stack.generatorId), "stack_not_owned", `use stack "${stack.id}"`, caller);
}

/**
 * Reading a stack: who may change it, and an agent that is associated with it.
 *
 * @throws {Failure} `stack_not_owned`; `stack_not_accessible` for an agent.
 */
export function mayReadStack(caller: Caller, stack: OwnedStack, isAssociated: boolean): void {
  if (caller.role !== "agent") return mayChangeStack(caller, stack);
  allow(isAssociated, "stack_not_accessible", `read stack "${stack.id}"`, caller);
}

/**
 * Reading a deployment object: its stack's owner, and an agent that is associated with the stack, however matched.
 *
 * @throws {Failure} `generator_not_associated`; `agent_not_associated` for an agent.
 */
export function mayReadObject(caller: Caller, stack: OwnedStack, isAssociated: boolean): void {
  if (caller.role === "admin") return;
  const object = `read a deployment object of stack "${stack.id}"`;
  if (caller.role === "agent") return allow(isAssociated, "agent_not_associated", object, caller);
  allow(caller.id === stack.generatorId, "generator_not_associated", object, caller);
}

/** Making and ending targets. @throws {Failure} `target_create_denied` for an agent; `target_generator_mismatch`. */
export function mayTarget(caller: Caller, stack: OwnedStack): void {
  if (caller.role === "admin") return;
  allow(caller.role === "generator", "target_create_denied", "change targets", caller);
  allow(caller.id === stack.generatorId, "target_generator_mismatch", `target stack "${stack.id}"`, caller);
}

function isSelf(caller: Caller, role: Role, id: string): boolean {
  return caller.role === role && caller.id === id;
}

function allow(isAllowed: boolean, code: ErrorCode, what: string, { role }: Caller): void {
  if (!isAllowed) throw new Failure(code, `Cannot ${what}: this ${role}'s key may not`);
}
