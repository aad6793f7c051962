import { customTypes } from "./custom_types.ts";
import type { KubeObject } from "./objects.ts";
import { storageKey } from "./store.ts";
import { apiVersionOf, BUILT_IN, type ResourceType } from "./resources.ts";

/** A version of a group. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** A version of a group that another server serves. */
export interface AggregatedVersion extends GroupVersion {
  /** Where that server is; undefined of one that is not there. */
  readonly server: OtherServer | undefined;
}

/** Another server, and the authority of its certificate. */
export interface OtherServer {
  readonly url: string;
  readonly authority: string;
}

/** What the server serves now: the built-in resources and those of established CRDs. */
export class Registry {
  #aggregated: readonly AggregatedVersion[] = [];
  readonly #custom = new Map<string, readonly ResourceType[]>();

  /** Every resource that has a path, built-in ones first. */
  all(): readonly ResourceType[] {
    return this.known().filter((type) => type.isServed !== false);
  }

  /** Every resource, served or not. */
  known(): readonly ResourceType[] {
    return [...BUILT_IN, ...[...this.#custom.values()].flat()];
  }

  /** The version in which objects of this type are kept. */
  storageOf(type: ResourceType): ResourceType {
    const stored = this.known().find((other) =>
      other.kind === type.kind && other.isStorage !== false && storageKey(other) === storageKey(type)
    );
    return stored ?? type;
  }

  /** The resource behind a path, if it is served. */
  find(group: string, version: string, plural: string): ResourceType | undefined {
    return this.all().find((type) => type.plural === plural && type.group === group && type.version === version);
  }

  /** The built-in resource of this name; a wrong name is a bug. */
  builtIn(plural: string): ResourceType {
    const type = BUILT_IN.find((other) => other.plural === plural);
    if (type === undefined) throw new Error(`Cannot find the built-in resource "${plural}": there is none`);
    return type;
  }

  /** The resource of an object's kind, served or not. */
  ofKind(apiVersion: string, kind: string): ResourceType | undefined {
    return this.known().find((type) => type.kind === kind && apiVersionOf(type) === apiVersion);
  }

  /** The groups and versions that other servers would serve. */
  get aggregated(): readonly AggregatedVersion[] {
    return this.#aggregated;
  }

  /** Says which groups and versions other servers would serve. */
  aggregate(all: readonly AggregatedVersion[]): void {
    this.#aggregated = all;
  }

  /** Who would serve this version, where another server would. */
  findAggregated(group: string | undefined, version: string | undefined): AggregatedVersion | undefined {
    return this.#aggregated.find((one) => one.group === group && one.version === version);
  }

  /** Serves the resources that a CRD defines, in place of those it defined before. */
  serve(crd: KubeObject): void {
    this.#custom.set(crd.metadata.name, customTypes(crd));
  }

  /** Stops to serve the resources of a CRD. */
  forget(crdName: string): void {
    this.#custom.delete(crdName);
  }

  /** The names of the CRDs whose resources are served. */
  definitions(): readonly string[] {
    return [...this.#custom.keys()];
  }
}
