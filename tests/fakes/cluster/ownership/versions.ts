import { ApiFailure } from "../failure.ts";
import type { KubeObject } from "../objects.ts";
import { apiVersionOf, type ResourceType } from "../resources.ts";
import { shapeFaults } from "../shapes.ts";
import { faultLines } from "../type_failures.ts";

/** An object in one of its versions. */
export interface Versioned {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** Shows an object of one version as another one would. */
export type Versions = (versioned: Versioned, apiVersion: string) => Versioned;

/** The version is none that was ever known: who wrote in it is forgotten. */
class MissingVersion extends Error {}

/**
 * The conversions of a type, by the resources of its kind: a custom resource changes its `apiVersion` and nothing else
 * (`conversion: None`), so fields that the other version does not have make it fail.
 */
export function versionsOf(all: readonly ResourceType[]): Versions {
  return (versioned, apiVersion) => {
    const { type, object } = versioned;
    if (apiVersionOf(type) === apiVersion) return versioned;
    const other = all.find((one) =>
      one.group === type.group && one.kind === type.kind && apiVersionOf(one) === apiVersion
    );
    if (other === undefined) throw missing(type, apiVersion);
    const converted = { ...object, apiVersion };
    const faults = shapeFaults(other, converted);
    if (faults.length > 0) throw new Error(faultLines(faults));
    return { type: other, object: converted };
  };
}

function missing(type: ResourceType, apiVersion: string): Error {
  if (type.schema === undefined) return new MissingVersion(`no kind is registered for version "${apiVersion}"`);
  return new Error(`request to convert CR to an invalid group/version: ${apiVersion}`);
}

/** What the step gives, or `undefined` when its version is none any more. */
export function unlessMissing<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof MissingVersion) return undefined;
    throw error;
  }
}

/** Runs a step of an apply; what fails in it is answered as the server words it, with what it was about before it. */
export function during<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof MissingVersion || error instanceof ApiFailure) throw error;
    throw new Error(`${what}: ${error instanceof Error ? error.message : error}`);
  }
}
