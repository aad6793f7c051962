import assert from "node:assert/strict";
import { type AuditEvent, requestSeen } from "./audit.ts";

const EVENT: AuditEvent = {
  verb: "patch",
  userAgent: "brokkr-agent/0.11.0",
  requestURI: "/api/v1/namespaces/shop/configmaps/one?fieldManager=brokkr-controller&dryRun=All",
  stage: "ResponseComplete",
  auditID: "1",
  responseStatus: { code: 201 },
  user: { username: "admin" },
  objectRef: { resource: "configmaps", namespace: "shop", name: "one", apiVersion: "v1" },
  requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z",
  stageTimestamp: "2026-01-01T00:00:00.000000Z",
};

Deno.test("requestSeen() says place, manager and dry run, and as whom the client acted", () => {
  const seen = requestSeen({ ...EVENT, impersonatedUser: { username: "brokkr:generator:1" } });

  assert.deepEqual(seen, {
    verb: "patch",
    group: "",
    resource: "configmaps",
    namespace: "shop",
    name: "one",
    subresource: undefined,
    userAgent: "brokkr-agent/0.11.0",
    user: "brokkr:generator:1",
    manager: "brokkr-controller",
    isDryRun: true,
    status: 201,
  });
});

Deno.test("requestSeen() of a path without a resource names none", () => {
  const seen = requestSeen({ ...EVENT, verb: "get", requestURI: "/version", objectRef: undefined });

  assert.deepEqual([seen.resource, seen.user, seen.manager, seen.isDryRun], [undefined, "admin", undefined, false]);
});
