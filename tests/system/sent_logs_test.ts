import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { migratedDataDir } from "../fakes/databases.ts";
import { type ReceivedLine, receivedLines } from "../fakes/otlp_logs.ts";
import { startBroker, untilReady } from "./programs.ts";

const ABOUT_TELEMETRY = "telemetry can't be sent";
const Written = z.looseObject({ time: z.string(), level: z.string(), message: z.string() });

/** A receiver that takes lines, and refuses metrics. */
function startReceiver() {
  const lines: ReceivedLine[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    if (!request.url.endsWith("/v1/logs")) return new Response(null, { status: 500 });
    lines.push(...receivedLines(new Uint8Array(gunzipSync(body))));
    return new Response();
  });
  return { lines, url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A line as one can compare it, whatever it was written in. */
function lineText(message: string, level: string, fields: Readonly<Record<string, unknown>>): string {
  return `${level.toUpperCase()} ${message} ${JSON.stringify(Object.entries(fields).sort())}`;
}

Deno.test("every line that a broker writes is sent too, to the last one, but for those about what is sent", async () => {
  await using receiver = startReceiver();
  await using dataDir = await migratedDataDir();
  await using broker = startBroker({
    ...{ DATA_DIR: dataDir.path, LOG__FORMAT: "json", LOG__LEVEL: "debug" },
    ...{ OTLP__ENDPOINT: receiver.url, OTLP__LOGS: "true", OTLP__HEADERS: "api-key=hunter2-hunter2" },
  });

  await untilReady(broker);
  await broker.stop();

  const written = broker.output().trim().split("\n").map((line) => Written.parse(JSON.parse(line)));
  const [about, others] = [true, false].map((is) =>
    written.filter(({ message }) => (message === ABOUT_TELEMETRY) === is)
  );
  assert.equal(about?.length, 1);
  assert.ok(others?.some(({ message }) => message === "broker stopping"), broker.output());
  assert.deepEqual(
    receiver.lines.map(({ body, severity, attributes }) => lineText(body, severity, attributes)),
    others?.map(({ time: _, level, message, ...fields }) => lineText(message, level, fields)),
  );
  assert.deepEqual([...new Set(receiver.lines.map(({ resource }) => resource["service.name"]))], ["brokkr-broker"]);
  assert.doesNotMatch(JSON.stringify(receiver.lines), /hunter2/);
});
