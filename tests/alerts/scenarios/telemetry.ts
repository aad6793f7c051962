import { recordWorld, type Scenario } from "../scenario.ts";

/** As often as it can be: the recorder takes a step a second. */
const EVERY_SECOND = { OTLP__METRICS_INTERVAL_SECONDS: "1" };

/** The receiver of both programs' metrics answers 500. */
export const RECEIVER_FAILS: Scenario = {
  name: "receiver_fails",
  alerts: ["BrokkrTelemetryExportsFailing", "BrokkrAgentTelemetryExportsFailing"],
  async record(metrics) {
    let isBroken = false;
    const address = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    await using receiver = Deno.serve(address, async (request) => {
      await request.arrayBuffer();
      return new Response(null, { status: isBroken ? 500 : 200 });
    });
    const endpoint = `http://127.0.0.1:${receiver.addr.port}`;
    const sending = { ...EVERY_SECOND, OTLP__ENDPOINT: endpoint };
    const record = recordWorld({ parts: [], brokerSettings: sending, agentSettings: sending }, async (_, recorder) => {
      await recorder.steps(12);
      isBroken = true;
      recorder.breaks();
      await recorder.steps(25);
      isBroken = false;
      recorder.mends();
      await recorder.steps(14);
    });
    return await record(metrics);
  },
};
