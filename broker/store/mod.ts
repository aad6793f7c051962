import type { TraceHeaders } from "$lib/traceparent.ts";
import type { Agent, AgentChange, ConnectivityLimits, Heartbeat, NewAgent } from "../domain/agent.ts";
import type { Caller } from "../domain/caller.ts";
import type { AgentEvent, Delivery, Report, ReportOutcome } from "../domain/delivery.ts";
import type { ObjectHead, OwnedObject, Submission, SubmitOutcome } from "../domain/deployment_object.ts";
import type { StoreGauges } from "../domain/gauges.ts";
import type { Generator, GeneratorChange, NewGenerator } from "../domain/generator.ts";
import type { KeptResults } from "../domain/results.ts";
import type { DeliveryFilter, SeenDelivery } from "../domain/seen_delivery.ts";
import type { CauseFactStore } from "./cause_facts.ts";
import type { ConnectivityStore } from "./connectivity.ts";
import type { ConsoleSessionStore } from "./console_sessions.ts";
import type { FleetStore } from "./fleet.ts";
import type { FleetGridStore } from "./fleet_grid.ts";
import type { HealthStore } from "./health.ts";
import type { SloStore } from "./slo.ts";
import type { StackHistoryStore } from "./stack_history.ts";
import type { Snapshot, SnapshotVersion, TargetStateMode } from "../domain/snapshot.ts";
import type { KeyChange } from "../domain/pak.ts";
import type { NewStack, Stack, StackChange } from "../domain/stack.ts";
import type { Annotation, Label, Registration, Target } from "../domain/targeting.ts";

// A `trace` is the span that agents are told of as the one that asked; left out, that of the request, where it is
// sampled.

/** Which part of a list is asked for. */
export interface Paging {
  /** How many at most; without it and `cursor` the list comes whole, or up to 100 where its method says so. */
  readonly limit?: number;
  /** Where the page before ended: its `next`, as it was. */
  readonly cursor?: string;
}

/** A page of a list, in a stable order. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The cursor of the next page; absent on the last one. */
  readonly next?: string;
}

/** Agents. Every method but `add` and the lists throws `agent_not_found` for one that is not there. */
export interface AgentStore {
  /**
   * @throws {Failure} `unique_violation` for a taken (name, cluster); `invalid_generator_id` for an unknown generator.
   */
  add(agent: NewAgent): Promise<Agent>;
  get(id: string): Promise<Agent>;
  getByName(name: string, clusterName: string): Promise<Agent>;
  /** Of what is left out of the filter, all; with a generator those registered with it. */
  list(
    filter: { readonly name?: string | undefined; readonly generatorId?: string | undefined },
    paging?: Paging,
  ): Promise<Page<Agent>>;
  /** A changed status changes the snapshot's revision. */
  change(id: string, change: AgentChange): Promise<Agent>;
  /** Frees its names and ends its deliveries; its key is unknown from now on. */
  remove(id: string): Promise<void>;
  changePak(id: string, key: KeyChange): Promise<Agent>;
  heartbeat(id: string, heartbeat: Heartbeat): Promise<void>;
  /**
   * Allows what the agent's guard holds, or, of one stack, what is blocked because its namespaces are not empty.
   *
   * @throws {Failure} `nothing_held` unless a removal is held at the revision, and of the stack, if one is named.
   */
  approvePrune(id: string, held: { readonly revision: number; readonly stackId?: string }): Promise<void>;
}

/** Labels and annotations of agents or of stacks; every method throws when the owner is not there. */
export interface TagStore {
  /** @throws {Failure} `unique_violation` for one that is there already. */
  addLabel(ownerId: string, label: string): Promise<Label>;
  listLabels(ownerId: string, paging?: Paging): Promise<Page<Label>>;
  /** @throws {Failure} `agent_label_not_found` or `stack_label_not_found`. */
  removeLabel(ownerId: string, label: string, trace?: TraceHeaders): Promise<void>;
  /** @throws {Failure} `unique_violation` for a key that is there already. */
  addAnnotation(ownerId: string, annotation: { readonly key: string; readonly value: string }): Promise<Annotation>;
  listAnnotations(ownerId: string, paging?: Paging): Promise<Page<Annotation>>;
  /** @throws {Failure} `agent_annotation_not_found` or `stack_annotation_not_found`. */
  removeAnnotation(ownerId: string, key: string, trace?: TraceHeaders): Promise<void>;
}

/** Explicit links agent → stack. */
export interface TargetStore {
  /** @throws {Failure} `agent_not_found`, `stack_not_found`, `agent_not_registered`, `unique_violation`. */
  add(agentId: string, stackId: string): Promise<Target>;
  /** Up to 100 without a limit. */
  list(agentId: string, paging?: Paging): Promise<Page<Target>>;
  /** @throws {Failure} `agent_target_not_found`. */
  remove(agentId: string, stackId: string, trace?: TraceHeaders): Promise<void>;
}

/** Consents of agents to receive from generators. */
export interface RegistrationStore {
  /** @throws {Failure} `agent_not_found`, `generator_not_found`, `already_registered`. */
  add(agentId: string, generatorId: string): Promise<Registration>;
  /** Up to 100 without a limit. */
  listByAgent(agentId: string, paging?: Paging): Promise<Page<Registration>>;
  /** Those of living agents; up to 100 without a limit. */
  listByGenerator(generatorId: string, paging?: Paging): Promise<Page<Registration>>;
  /** Ends the agent's targets of the generator's stacks with it. @throws {Failure} `agent_not_registered`. */
  remove(agentId: string, generatorId: string, trace?: TraceHeaders): Promise<void>;
}

/** Generators. `get`, `getEver`, `change`, `remove` and `changePak` throw `generator_not_found`. */
export interface GeneratorStore {
  /** @throws {Failure} `unique_violation` for a taken name. */
  add(generator: NewGenerator): Promise<Generator>;
  get(id: string): Promise<Generator>;
  /** As `get`, a deleted one too: its registrations outlive it. */
  getEver(id: string): Promise<Generator>;
  list(paging?: Paging): Promise<Page<Generator>>;
  change(id: string, change: GeneratorChange): Promise<Generator>;
  /** Deletes its stacks with it: agents that have seen them are to remove them. */
  remove(id: string, trace?: TraceHeaders): Promise<void>;
  changePak(id: string, key: KeyChange): Promise<Generator>;
  /** Notes that it was here, to the minute, so that most calls write nothing. */
  markActive(id: string): Promise<void>;
}

/** The one admin's key. */
export interface AdminRoleStore {
  /** Stores the first key; false, and nothing written, when there is one already. */
  addIfNone(pakHash: string): Promise<boolean>;
  exists(): Promise<boolean>;
  /** The first key, where there was none. */
  changePak(key: KeyChange): Promise<void>;
}

/** What a key's hash says of its owner. */
export interface KnownKey {
  readonly caller: Caller;
  /** As stored, for a comparison in constant time. */
  readonly pakHash: string;
  /** False for the key of an inactive generator: known, and refused. */
  readonly isActive: boolean;
  /** Of a former key: for how long it is known at most. */
  readonly endsInMs?: number;
  /** The key before this one is still known, and ends with the first use of this one. */
  readonly hasFormer?: boolean;
}

/** Keys of all three kinds. */
export interface KeyStore {
  /** One indexed statement over admin, agents, generators and former keys for all that are looked up at once. */
  find(pakHash: string): Promise<KnownKey | undefined>;
  /** Ends the former key of a caller who has used the new one. */
  endFormer(caller: Caller): Promise<void>;
  /** Deletes `max` of the former keys that are over; returns how many. */
  purgeFormer(max: number): Promise<number>;
  /** Whether an id is a generator's, a deleted one's too. */
  isGenerator(id: string): Promise<boolean>;
  /** Agents and generators that have a key; up to 100 without a limit. */
  listOwners(paging?: Paging): Promise<Page<KeyOwner>>;
}

/** An agent or a generator, as far as a list of keys tells. */
export interface KeyOwner {
  readonly id: string;
  readonly name: string;
}

/** Stacks. `get`, `getForChange`, `change` and `remove` throw `stack_not_found`. */
export interface StackStore {
  /** @throws {Failure} `unique_violation` for a taken name; `invalid_generator_id` for an unknown generator. */
  add(stack: NewStack): Promise<Stack>;
  get(id: string): Promise<Stack>;
  /** As `get`, a deleted one too while it is suspended: no agent removes it before somebody ends that. */
  getForChange(id: string): Promise<Stack>;
  /** Of what is left out of the filter, all. */
  list(
    filter: { readonly generatorId?: string | undefined; readonly name?: string | undefined },
    paging?: Paging,
  ): Promise<Page<Stack>>;
  /** Which of these names are those of the generator's stacks, deleted ones too. */
  ownOf(generatorId: string, names: readonly string[]): Promise<ReadonlySet<string>>;
  /** The stacks an agent is associated with. */
  listAssociated(agentId: string, paging?: Paging): Promise<Page<Stack>>;
  /** Whether the agent is associated with the stack: it may then read every object of it. */
  isAssociated(agentId: string, stackId: string): Promise<boolean>;
  /** What {@linkcode StackStore.getForChange} gets can be changed. */
  change(id: string, change: StackChange): Promise<Stack>;
  /** Deletes its objects with it; agents that have seen it are to remove it. */
  remove(id: string, trace?: TraceHeaders): Promise<void>;
}

/** Deployment objects. */
export interface DeploymentObjectStore {
  /**
   * The object and a line of work, in one transaction. What is the same as the stack's newest object, or was sent
   * before with the same key, is that object, and writes none.
   *
   * @throws {Failure} `stack_not_found`; `invalid_request_body` for a key that came with another content before.
   */
  submit(submission: Submission): Promise<SubmitOutcome>;
  /**
   * With whose it is; for an agent, whether it is associated with that stack, however matched.
   *
   * @throws {Failure} `deployment_object_not_found`.
   */
  get(id: string, agentId?: string): Promise<OwnedObject>;
  /** Newest first; up to 100 without a limit. @throws {Failure} `stack_not_found`. */
  list(stackId: string, paging?: Paging): Promise<Page<ObjectHead>>;
  /** The manifests of those that are there and have kept them, by their ids. */
  bodies(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Deletes `max` of the idempotency keys that are over; returns how many. */
  purgeKeys(max: number): Promise<number>;
}

/** What agents are to have. Every method throws `agent_not_found`. */
export interface SnapshotStore {
  /** One indexed read, whatever the number of stacks. */
  version(agentId: string): Promise<SnapshotVersion>;
  /** @param options.isOwn The agent's own key asked: what it is told now counts as delivered. */
  read(agentId: string, options: { readonly isOwn: boolean }): Promise<Snapshot>;
  /** The newest live object of each associated stack, highest sequence first; always whole. */
  targetState(
    agentId: string,
    options: { readonly mode: TargetStateMode; readonly isOwn: boolean },
  ): Promise<readonly ObjectHead[]>;
}

/** Deliveries: one (agent, stack) on its way to the desired object. */
export interface DeliveryStore {
  find(agentId: string, stackId: string): Promise<Delivery | undefined>;
  /** With whose it is. @throws {Failure} `delivery_not_found`. */
  get(agentId: string, stackId: string): Promise<SeenDelivery>;
  /**
   * The troubled ones first, each kind by when its object was desired, the oldest first; up to 100 without a limit. One
   * that changes between two pages may be on both, or on neither.
   */
  list(filter: DeliveryFilter, limits: ConnectivityLimits, paging?: Paging): Promise<Page<SeenDelivery>>;
  /** What the agent last said of each object; undefined where it has said nothing of any. */
  findResults(agentId: string, stackId: string): Promise<KeptResults | undefined>;
  /**
   * The one way in which an agent's word changes anything: event, delivery and revision, in one transaction.
   * A repeated (boot id, seq) gives the event of the first time and changes nothing. That nothing is there any more of
   * what has no delivery, or one that has ended, changes nothing either, whether or not there is such a stack.
   *
   * @throws {Failure} `agent_not_found`; `deployment_object_not_found` for an unknown object, or when none is named and
   * no delivery names one; `agent_not_associated` for an object of a stack that the agent never had to do with.
   */
  report(report: Report): Promise<ReportOutcome>;
  /** Deletes `max` of the deliveries that have been `removed` for a day; returns how many. */
  purge(max: number): Promise<number>;
}

/**
 * Whose events: one agent's, or those of the agents that are registered with a generator; everybody's without either.
 */
export interface EventFilter {
  readonly agentId?: string;
  readonly generatorId?: string;
}

/** The agents' history. */
export interface AgentEventStore {
  /** @throws {Failure} `agent_event_not_found`. */
  get(id: string): Promise<AgentEvent>;
  /** Newest first; up to 100 without a limit. */
  list(filter: EventFilter, paging?: Paging): Promise<Page<AgentEvent>>;
  /** The newest of one delivery, of the stack's last hundred objects; newest first. */
  listOfDelivery(agentId: string, stackId: string, limit: number): Promise<readonly AgentEvent[]>;
  /** Deletes the oldest `max` of the events older than so many days; returns how many. */
  purge(retentionDays: number, max: number): Promise<number>;
}

/** What is written, and not yet settled with each agent. */
export interface SettlingStore {
  /** Hears that a change left work for {@linkcode SettlingStore.settleNext}; one at a time. */
  onLeft(left: () => void): void;
  /**
   * Settles the next agents of the oldest line that no other replica is at; false when there is none. A line that can't
   * be settled keeps no other waiting: when only such are left the first one's error is thrown, and all are tried anew.
   */
  settleNext(): Promise<boolean>;
  /** Writes lines for what a broker of 0.10.0 took; returns how many. */
  sweep(): Promise<number>;
}

/** What other replicas are told of changes. */
export interface NoticeStore {
  /** Sends what could not be sent when it was to be; resolves when nothing is left. */
  flush(): Promise<void>;
}

/**
 * What goes with time. Each method does a part, of `max` rows of what may be much; true when there may be more to do.
 */
export interface RetentionStore {
  /** Takes the bodies of objects behind the newest `kept` of their stack that no delivery names. */
  purgeBodies(kept: number, max: number): Promise<boolean>;
  /** Deletes stacks 30 days after they were deleted, with all that is of them, once no living agent has them. */
  purgeStacks(max: number): Promise<boolean>;
  /** Deletes agents 30 days after they were deleted, with all that is of them. */
  purgeAgents(max: number): Promise<boolean>;
}

/** The numbers of the store's gauges. */
export interface GaugeStore {
  /** How old a heartbeat makes an agent late, and lost. */
  read(limits: ConnectivityLimits): Promise<StoreGauges>;
}

/** Everything the broker keeps. */
export interface Store {
  readonly agents: AgentStore;
  readonly agentTags: TagStore;
  readonly targets: TargetStore;
  readonly registrations: RegistrationStore;
  readonly generators: GeneratorStore;
  readonly adminRole: AdminRoleStore;
  readonly keys: KeyStore;
  readonly consoleSessions: ConsoleSessionStore;
  readonly stacks: StackStore;
  readonly stackTags: TagStore;
  readonly objects: DeploymentObjectStore;
  readonly snapshots: SnapshotStore;
  readonly deliveries: DeliveryStore;
  readonly fleet: FleetStore;
  readonly fleetGrid: FleetGridStore;
  readonly health: HealthStore;
  readonly stackHistory: StackHistoryStore;
  readonly causeFacts: CauseFactStore;
  readonly events: AgentEventStore;
  readonly gauges: GaugeStore;
  readonly slo: SloStore;
  readonly connectivity: ConnectivityStore;
  readonly retention: RetentionStore;
  readonly settling: SettlingStore;
  readonly notices: NoticeStore;
  /** Runs `work` in one transaction; inside, only the store that is handed to it may be used. */
  transaction<T>(work: (store: Store) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction unless another replica is at the same job now: then false, at once. */
  exclusively(job: string, work: (store: Store) => Promise<unknown>): Promise<boolean>;
}
