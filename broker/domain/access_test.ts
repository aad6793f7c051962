import assert from "node:assert/strict";
import type { ErrorCode } from "$lib/error.ts";
import {
  listableStacks,
  mayActAsAgent,
  mayCall,
  mayChangeGenerator,
  mayChangeStack,
  mayCreateStack,
  mayDeleteGenerator,
  mayReadObject,
  mayReadStack,
  mayRotateGenerator,
  mayTarget,
  mayUseAgent,
  mayUseGenerator,
  registeringAgent,
} from "./access.ts";
import type { Caller } from "./caller.ts";

const admin: Caller = { role: "admin", id: "admin" };
const agent: Caller = { role: "agent", id: "agent-1" };
const generator: Caller = { role: "generator", id: "generator-1" };
const stranger: Caller = { role: "generator", id: "generator-2" };
const stack = { id: "stack-1", generatorId: "generator-1" };
const own = { id: "generator-1", isSystem: false };
const system = { id: "system", isSystem: true };

function refused(work: () => unknown, code: ErrorCode): void {
  assert.throws(work, { code });
}

Deno.test("mayCall() names the one role that may, and says forbidden where several may", () => {
  mayCall(admin, ["admin"]);
  mayCall(generator, ["admin", "generator"]);
  refused(() => mayCall(agent, ["admin"]), "admin_required");
  refused(() => mayCall(admin, ["agent"]), "agent_pak_required");
  refused(() => mayCall(agent, ["generator"]), "generator_required");
  refused(() => mayCall(agent, ["admin", "generator"]), "forbidden");
});

Deno.test("an agent's affairs are the admin's and its own; what it does itself is not even the admin's", () => {
  mayUseAgent(admin, "agent-2");
  mayUseAgent(agent, "agent-1");
  mayActAsAgent(agent, "agent-1");
  refused(() => mayUseAgent(agent, "agent-2"), "agent_pak_mismatch");
  refused(() => mayUseAgent({ role: "generator", id: "agent-1" }, "agent-1"), "agent_pak_mismatch");
  refused(() => mayActAsAgent(admin, "agent-1"), "agent_pak_required");
  refused(() => mayActAsAgent(agent, "agent-2"), "agent_pak_mismatch");
});

Deno.test("a generator's affairs are the admin's and its own; the system generator is nobody's tenant", () => {
  mayUseGenerator(admin, "generator-2");
  mayUseGenerator(generator, "generator-1");
  mayDeleteGenerator(generator, own);
  mayRotateGenerator(admin, own);
  mayChangeGenerator(generator, own);
  refused(() => mayChangeGenerator(stranger, own), "generator_not_owned");
  refused(() => mayChangeGenerator(admin, system), "system_generator_not_a_tenant");
  refused(() => mayUseGenerator(stranger, "generator-1"), "generator_not_owned");
  refused(() => mayDeleteGenerator(stranger, own), "generator_not_owned");
  refused(() => mayDeleteGenerator(admin, system), "cannot_delete_system_generator");
  refused(() => mayRotateGenerator(admin, system), "system_generator_not_a_tenant");
});

Deno.test("registeringAgent() is the caller, or the agent that the admin names", () => {
  assert.equal(registeringAgent(agent, own, undefined), "agent-1");
  assert.equal(registeringAgent(agent, own, "agent-1"), "agent-1");
  assert.equal(registeringAgent(admin, own, "agent-2"), "agent-2");
  refused(() => registeringAgent(admin, own, undefined), "missing_agent_id");
  refused(() => registeringAgent(agent, own, "agent-2"), "agent_pak_mismatch");
  refused(() => registeringAgent(admin, system, "agent-1"), "system_generator_not_a_tenant");
});

Deno.test("stacks are made, changed and targeted by their generator and the admin", () => {
  for (const caller of [admin, generator]) {
    mayCreateStack(caller, stack.generatorId);
    mayChangeStack(caller, stack);
    mayTarget(caller, stack);
  }
  refused(() => mayCreateStack(agent, stack.generatorId), "stack_create_denied");
  refused(() => mayCreateStack(stranger, stack.generatorId), "stack_generator_mismatch");
  refused(() => mayChangeStack(stranger, stack), "stack_not_owned");
  refused(() => mayChangeStack(agent, stack), "stack_not_owned");
  refused(() => mayTarget(stranger, stack), "target_generator_mismatch");
  refused(() => mayTarget(agent, stack), "target_create_denied");
});

Deno.test("listableStacks() are all for the admin, a generator's own, and none for an agent", () => {
  assert.deepEqual(listableStacks(admin), {});
  assert.deepEqual(listableStacks(generator), { generatorId: "generator-1" });
  refused(() => listableStacks(agent), "stacks_list_denied");
});

Deno.test("an agent reads a stack and its objects when it is associated; others when they own it", () => {
  for (const caller of [admin, generator]) {
    mayReadStack(caller, stack, false);
    mayReadObject(caller, stack, false);
  }
  mayReadStack(agent, stack, true);
  mayReadObject(agent, stack, true);
  refused(() => mayReadStack(agent, stack, false), "stack_not_accessible");
  refused(() => mayReadStack(stranger, stack, true), "stack_not_owned");
  refused(() => mayReadObject(agent, stack, false), "agent_not_associated");
  refused(() => mayReadObject(stranger, stack, true), "generator_not_associated");
});
