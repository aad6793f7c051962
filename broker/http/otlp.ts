import { mayActAsAgent } from "../domain/access.ts";
import { endpoint } from "./endpoint.ts";
import { IdPath, ProtobufBytes } from "./shapes.ts";
import { PROTOBUF, RELAYED, type Relayed } from "./telemetry_relay.ts";

/** What agents send that reach no other receiver than the broker: OTLP's own paths, below the agent's. */
export const OTLP = RELAYED.map(relayOf);

function relayOf(signal: Relayed) {
  return endpoint({
    method: "post",
    path: `/api/v1/agents/{id}/otlp/v1/${signal}`,
    roles: ["agent"],
    isTraced: false,
    summary: `Pass an agent's ${signal} on to where the broker sends its own; OTLP over HTTP, by the agent itself`,
    params: IdPath,
    binary: PROTOBUF,
    answers: { 200: ProtobufBytes },
    handle: async ({ params: { id: agentId }, caller, request, readBytes, relay }) => {
      mayActAsAgent(caller, agentId);
      return await relay.pass({ agentId, signal, request, readBytes });
    },
  });
}
