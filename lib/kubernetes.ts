import { connectionFault } from "$lib/http_client/connection_fault.ts";
import { keepAccess } from "$lib/kubernetes/access.ts";
import type { KubeconfigSource } from "$lib/kubernetes/kubeconfig.ts";
import { createLineSource } from "$lib/kubernetes/line_source.ts";
import { loadAccess } from "$lib/kubernetes/load_access.ts";
import { createScheduler, type SchedulerLimits } from "$lib/kubernetes/scheduler.ts";
import { createSender, type NamedRequest, type Sender, type SenderParts } from "$lib/kubernetes/sender.ts";
import { openTransport } from "$lib/kubernetes/transport.ts";
import type { Kubernetes } from "$lib/kubernetes/types.ts";
import { kubernetesVerbs } from "$lib/kubernetes/verbs.ts";
import type { LineSource } from "$lib/kubernetes/watches.ts";
import { withWriteSpans } from "$lib/kubernetes/write_spans.ts";
import type { Tracing } from "$lib/tracing.ts";

export { isCalledInVain, isRefused, isServerAway, isTimeout } from "$lib/kubernetes/refusal.ts";
export type { KubernetesMetrics } from "$lib/kubernetes/sender.ts";
export * from "$lib/kubernetes/types.ts";

/** What the door is made of. */
export interface KubernetesOptions
  extends
    Omit<SenderParts, "exchange" | "authorize" | "scheduler" | "explain">,
    Pick<SchedulerLimits, "qps" | "burst">,
    KubeconfigSource {
  /** Left out: none. */
  readonly tracing?: Pick<Tracing, "current"> | undefined;
  /**
   * Requests in flight in this process at once, those of probes and watches apart; one stack has half of them at most.
   */
  readonly maxInFlight?: number;
  /** Such as `brokkr-agent/0.10.0`. */
  readonly userAgent: string;
}

const MAX_IN_FLIGHT = 64;

/**
 * Opens the door to the API server that the kubeconfig, or the pod's service account, names. Asks it nothing.
 *
 * @throws {Failure} `invalid_settings` when there is no such configuration, or it asks for what this program cannot do.
 */
export async function openKubernetes(options: KubernetesOptions): Promise<Kubernetes> {
  const { userAgent, clock, log, tracing, maxInFlight = MAX_IN_FLIGHT } = options;
  const access = await keepAccess({ load: () => loadAccess(options), clock, log });
  const { exchange, openStream, close } = openTransport({
    server: () => access.current.server,
    clientOptions: () => access.current.clientOptions,
    ...{ userAgent, clock, log },
  });
  const scheduler = createScheduler({ ...options, inFlight: maxInFlight }, clock);
  const { authorize } = access;
  const explain = (error: unknown) => connectionFault(error, access.current.names);
  const send = createSender({ ...options, authorize, exchange, scheduler, explain });
  const wire: Wire = {
    send: tracing === undefined ? send : withWriteSpans(send, { tracing, server: () => access.current.server }),
    open: createLineSource({ ...options, authorize, openStream, explain }),
  };
  const pauseMs = (stackId: string) => scheduler.pauseMs(stackId);
  return viewOf(wire, {}, { defaultNamespace: access.current.defaultNamespace, pauseMs, close });
}

interface Wire {
  readonly send: Sender;
  readonly open: LineSource;
}

/** What a view of the door adds to each of its requests. */
type View = Pick<NamedRequest, "stackId" | "impersonate" | "writesAfter" | "isProbe">;

/** The door as one stack, or nobody in particular, has it. */
function viewOf(wire: Wire, view: View, rest: Pick<Kubernetes, "defaultNamespace" | "pauseMs" | "close">): Kubernetes {
  const send: Sender = (request, signal) => wire.send({ ...request, ...view }, signal);
  const open: LineSource = (request, signal) => wire.open({ ...request, ...view }, signal);
  return {
    ...kubernetesVerbs(send, open),
    forStack: (stackId, { impersonate } = {}) => viewOf(wire, { ...view, stackId, impersonate }, rest),
    writingAfter: (writesAfter) => viewOf(wire, { ...view, writesAfter }, rest),
    unqueued: () => viewOf(wire, { ...view, isProbe: true }, rest),
    ...rest,
  };
}
