import assert from "node:assert/strict";
import { otlpFaults, readSettings, SHARED_SETTINGS } from "$lib/settings.ts";
import { createOtlpSender } from "$lib/telemetry/otlp.ts";
import { telemetryPlan } from "$lib/telemetry/plan.ts";
import { startAskingServer } from "../fakes/asking_server.ts";
import { type Authority, makeAuthority, tlsFiles } from "../fakes/certificates.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { silentLog } from "../fakes/silent_log.ts";

const PAYLOAD = new Uint8Array([10, 3, 1, 2, 3]);
const LOOKED_AGAIN_MS = 5_000;

/** Both signals as these flags and variables have them, to a receiver that asks for certificates. */
function sendersTo(
  port: number,
  given: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> },
) {
  const { args = [], env = {} } = given;
  const readFile = Deno.readTextFileSync;
  const all = [`--otlp-endpoint=https://127.0.0.1:${port}`, "--tracing-sample-ratio=1", ...args];
  const declarations = { settings: SHARED_SETTINGS, passedOver: [], rules: otlpFaults };
  const { settings, origins } = readSettings(declarations, { args: all, env, readFile });
  const { metrics, traces, warnings } = telemetryPlan(settings, { env, origins, readFile });
  assert.deepEqual(warnings, []);
  const clock = new ManualClock();
  const parts = { fetch, clock, random: () => 0.5, log: silentLog(), env: {}, userAgent: "test", onSecret: () => {} };
  const senders = [metrics, traces].map((plan) =>
    createOtlpSender({ ...(plan ?? assert.fail("it is not sent")).target, timeoutMs: 500 }, parts)
  );
  return {
    /** Sends once of each signal, after the files were looked at again. */
    async send() {
      await clock.advance(LOOKED_AGAIN_MS);
      const answers = [];
      for (const sender of senders) answers.push(await sender.send(PAYLOAD));
      return answers.map((answer) => answer.kind === "accepted" ? answer.kind : answer.reason);
    },
    [Symbol.dispose]: () => senders.forEach((sender) => sender.close()),
  };
}

/** A client's certificate, and that of the authority, in files. */
async function filesOf(authority: Authority, name: string) {
  const files = await tlsFiles(await authority.issue(name));
  const { folder, tls: { certFile, keyFile } } = files;
  const caFile = `${folder}/ca.crt`;
  await Deno.writeTextFile(caFile, authority.cert);
  return { ...files, caFile, certFile, keyFile };
}

Deno.test("a receiver is shown the client's certificate that its files hold now, and no half of two", async () => {
  const authority = await makeAuthority("one");
  await using receiver = await startAskingServer(authority);
  await using files = await filesOf(authority, "first");
  const { caFile, certFile, keyFile } = files;
  const args = [`--otlp-ca-file=${caFile}`, `--otlp-client-cert-file=${certFile}`, `--otlp-client-key-file=${keyFile}`];
  using to = sendersTo(receiver.port, { args });
  const second = await authority.issue("second");

  const answers = [await to.send()];
  await Deno.writeTextFile(certFile, second.cert);
  answers.push(await to.send());
  await Deno.writeTextFile(keyFile, second.key);
  answers.push(await to.send());

  assert.deepEqual(answers, Array(3).fill(["accepted", "accepted"]));
  assert.deepEqual(receiver.shown, ["first", "first", "first", "first", "second", "second"]);
});

Deno.test("a receiver is shown the certificate that a variable has for one signal, after a rotation the next", async () => {
  const authority = await makeAuthority("one");
  await using receiver = await startAskingServer(authority);
  await using all = await filesOf(authority, "all");
  await using own = await filesOf(authority, "own");
  const env = {
    OTEL_EXPORTER_OTLP_CERTIFICATE: all.caFile,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: all.certFile,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: all.keyFile,
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: own.caFile,
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: own.certFile,
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: own.keyFile,
  };
  using to = sendersTo(receiver.port, { env });

  const answers = [await to.send()];
  await own.replace(await authority.issue("own, rotated"));
  answers.push(await to.send());
  await all.replace(await authority.issue("all, rotated"));
  answers.push(await to.send());

  assert.deepEqual(answers, Array(3).fill(["accepted", "accepted"]));
  assert.deepEqual(receiver.shown, ["all", "own", "all", "own, rotated", "all, rotated", "own, rotated"]);
});

Deno.test("a receiver that asks for certificates takes nothing without one, nor with another authority's", async () => {
  const [authority, other] = [await makeAuthority("one"), await makeAuthority("other")];
  await using receiver = await startAskingServer(authority);
  await using files = await filesOf(authority, "own");
  await using foreign = await filesOf(other, "foreign");
  const shown = [`--otlp-client-cert-file=${foreign.certFile}`, `--otlp-client-key-file=${foreign.keyFile}`];

  const words = "the receiver does not take the certificate of this client";
  const without = `${words}: see otlp.client_cert_file and otlp.client_key_file`;
  // What is no certificate of anybody's gets no word.
  const isClosed =
    /^the receiver closed the connection before it answered; .* see otlp\.client_cert_file and otlp\.client/;
  for (const [more, reason] of [[[], new RegExp(`^${without}$`)], [shown, isClosed]] as const) {
    using to = sendersTo(receiver.port, { args: [`--otlp-ca-file=${files.caFile}`, ...more] });
    for (const said of await to.send()) assert.match(said, reason);
  }
  assert.deepEqual(receiver.shown, []);
});
