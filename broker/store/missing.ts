import { Failure } from "$lib/error.ts";

/** The failure of every place that looks for a living agent in vain. */
export function agentNotFound(id: string): Failure {
  return new Failure("agent_not_found", `Cannot find agent "${id}": there is none`);
}

/** The failure of every place that looks for a living stack in vain. */
export function stackNotFound(id: string): Failure {
  return new Failure("stack_not_found", `Cannot find stack "${id}": there is none`);
}

/** The failure of every place that looks for a living generator in vain. */
export function generatorNotFound(id: string): Failure {
  return new Failure("generator_not_found", `Cannot find generator "${id}": there is none`);
}

/** The failure of every place that looks for a deployment object in vain. */
export function objectNotFound(id: string): Failure {
  return new Failure("deployment_object_not_found", `Cannot find deployment object "${id}": there is none`);
}
