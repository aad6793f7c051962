import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { GroupKind } from "../names.ts";
import type { Judged } from "./judge_all.ts";

/** A refusal names so the webhook that denied it or did not answer, and the policy that denied it. */
const BLAMED = /\bwebhook "([^"]{1,253})"|AdmissionPolicy '([^']{1,253})'/g;

/** The webhooks and policies that refusals name. */
export function blamedGates(judged: readonly Judged[]): ReadonlySet<string> {
  const whys = judged.flatMap(({ verdict }) => verdict.is === "refused" ? [verdict.why] : []);
  return new Set(whys.flatMap((why) => [...why.matchAll(BLAMED)].flatMap(([, hook, policy]) => hook ?? policy ?? [])));
}

/**
 * Whether the API server asks what is configured by objects of this kind before it writes others, and never before it
 * writes these.
 */
export function isGate({ group }: Pick<GroupKind, "group">): boolean {
  return group === "admissionregistration.k8s.io";
}

/** Whether one of these webhooks or policies is what the object configures. */
export function isBlamed(object: KubernetesObject, blamed: ReadonlySet<string>): boolean {
  const { webhooks = [], spec, metadata } = object as KubernetesObject & Gate;
  const names = [metadata.name, spec?.policyName, ...webhooks.map(({ name }) => name)];
  return names.some((name) => name !== undefined && blamed.has(name));
}

interface Gate {
  readonly webhooks?: readonly { readonly name?: string }[];
  readonly spec?: { readonly policyName?: string };
}
