import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { AgentAnnotation, AgentLabel, NewAgentAnnotation, NewAgentLabel } from "$lib/wire/agent.ts";
import { mayUseAgent } from "../domain/access.ts";
import type { Annotation, Label } from "../domain/targeting.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { AnnotationPath, IdPath, LabelPath, Nothing, PageQuery } from "./shapes.ts";

const LABELS = "/api/v1/agents/{id}/labels";
const ANNOTATIONS = "/api/v1/agents/{id}/annotations";

const listLabels = endpoint({
  method: "get",
  path: LABELS,
  roles: ["admin", "agent"],
  summary: "The labels of an agent",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(AgentLabel) },
  handle: async ({ params: { id }, query, caller }, { agentTags }) => {
    mayUseAgent(caller, id);
    return mapPage(await agentTags.listLabels(id, query), labelBody);
  },
});

const addLabel = endpoint({
  method: "post",
  path: LABELS,
  roles: ["admin"],
  summary: "Add a label to an agent",
  params: IdPath,
  body: { shape: NewAgentLabel, textCode: "invalid_label" },
  answers: { 201: AgentLabel },
  handle: async ({ params: { id }, body: { agent_id, label } }, { agentTags }) => {
    mustName(id, agent_id);
    return labelBody(await agentTags.addLabel(id, label));
  },
});

const removeLabel = endpoint({
  method: "delete",
  path: `${LABELS}/{label}`,
  roles: ["admin"],
  summary: "Take a label from an agent",
  params: LabelPath,
  answers: { 204: Nothing },
  handle: async ({ params: { id, label } }, { agentTags }) => await agentTags.removeLabel(id, label),
});

const listAnnotations = endpoint({
  method: "get",
  path: ANNOTATIONS,
  roles: ["admin", "agent"],
  summary: "The annotations of an agent",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(AgentAnnotation) },
  handle: async ({ params: { id }, query, caller }, { agentTags }) => {
    mayUseAgent(caller, id);
    return mapPage(await agentTags.listAnnotations(id, query), annotationBody);
  },
});

const addAnnotation = endpoint({
  method: "post",
  path: ANNOTATIONS,
  roles: ["admin"],
  summary: "Add an annotation to an agent",
  params: IdPath,
  body: { shape: NewAgentAnnotation, textCode: "invalid_annotation" },
  answers: { 201: AgentAnnotation },
  handle: async ({ params: { id }, body: { agent_id, key, value } }, { agentTags }) => {
    mustName(id, agent_id);
    return annotationBody(await agentTags.addAnnotation(id, { key, value }));
  },
});

const removeAnnotation = endpoint({
  method: "delete",
  path: `${ANNOTATIONS}/{key}`,
  roles: ["admin"],
  summary: "Take an annotation from an agent",
  params: AnnotationPath,
  answers: { 204: Nothing },
  handle: async ({ params: { id, key } }, { agentTags }) => await agentTags.removeAnnotation(id, key),
});

/** Labels and annotations of agents. */
export const AGENT_TAGS = [
  listLabels,
  addLabel,
  removeLabel,
  listAnnotations,
  addAnnotation,
  removeAnnotation,
] as const;

/** The body must mean the agent of the path. @throws {Failure} `agent_id_mismatch`. */
export function mustName(agentId: string, named: string): void {
  if (named === agentId) return;
  throw new Failure("agent_id_mismatch", `Cannot use agent "${agentId}": the body names agent "${named}"`);
}

function labelBody({ id, ownerId, label }: Label): z.input<typeof AgentLabel> {
  return { id, agent_id: ownerId, label };
}

function annotationBody({ id, ownerId, key, value }: Annotation): z.input<typeof AgentAnnotation> {
  return { id, agent_id: ownerId, key, value };
}
