import { waitFor } from "../run/wait.ts";
import type { Collector, ReceivedPoint } from "./collector.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PROGRAMS = ["brokkr-broker", "brokkr-agent"] as const;
const BUNDLE = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: sent, namespace: default }\n";

/** Whose stack something is submitted to. */
export interface Submitting {
  /** Where the broker is. */
  readonly url: string;
  readonly pak: string;
  readonly stackId: string;
}

/** Submits a ConfigMap as a client whose own trace is recorded, so that one is there whatever the ratio. */
export async function submitSampled({ url, pak, stackId }: Submitting): Promise<void> {
  const answer = await fetch(`${url}/api/v1/stacks/${stackId}/deployment-objects`, {
    method: "POST",
    headers: {
      authorization: pak,
      "content-type": "application/yaml",
      traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
    },
    body: BUNDLE,
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}

/**
 * Waits until a Collector has metrics and lines of both programs, and the trace of what was submitted with spans of
 * both.
 */
export async function mustHaveAllSignals(collector: Collector): Promise<void> {
  const lacking = async () => {
    const [points, spans, logs] = [await collector.points(), await collector.spans(), await collector.logs()];
    const ofTrace = spans.filter(({ traceId }) => traceId === TRACE_ID);
    return PROGRAMS.flatMap((program) => {
      const isOf = ({ resource }: Pick<ReceivedPoint, "resource">) => resource["service.name"] === program;
      return Object.entries({ metrics: points, traces: ofTrace, logs })
        .flatMap(([signal, all]) => all.some(isOf) ? [] : [`${signal} of ${program}`]);
    });
  };
  await waitFor(async () => (await lacking()).length === 0 ? true : undefined, {
    what: "receive all signals of both programs",
    detail: async () => `lacking: ${(await lacking()).join(", ")}`,
  });
}
