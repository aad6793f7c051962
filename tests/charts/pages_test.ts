import assert from "node:assert/strict";
import { type ControlPlane, locateControlPlane, startControlPlane } from "../cluster/control_plane.ts";
import { helmFolder } from "../helm/helm.ts";
import { blocksOf, commandsOf } from "../pages/blocks.ts";
import { monitoringBlocks } from "../pages/monitoring.ts";
import { testWith } from "../run/parts.ts";
import { locateDefinitions } from "./crds/definitions.ts";

const INSTALL = "docs/content/how-to/install-with-helm.md";
const MONITOR = "docs/content/how-to/prometheus-and-grafana.md";
const LIMIT = "docs/content/how-to/limit-network-access.md";
const CHARTS = new URL("../../charts", import.meta.url).pathname;
/** What wants a program in a Pod: here Pods are only said to run. tests/rules holds that these commands are there. */
const WANTS_PROGRAM = / exec |^brokkr-broker |^export BROKKR_URL=| test /;

testWith(
  ["nodes", "helm", "definitions"],
  "how-to pages: what they type at a cluster works as pasted",
  async (test) => {
    await using shell = await openShell();
    const [install, monitor] = await Promise.all([INSTALL, MONITOR].map(commandsOfPage));
    const isLast = (command: string) => command.includes(" uninstall ");
    for (const path of locateDefinitions() ?? []) await shell.type(`kubectl create --filename ${path}`);
    await shell.type("kubectl wait --for=condition=Established --timeout=60s customresourcedefinitions --all");

    await test.step("install-with-helm.md installs both programs, and they roll out", async () => {
      for (const command of install?.filter((one) => !isLast(one)) ?? []) await shell.type(command);

      await shell.type("kubectl --namespace brokkr rollout status --timeout=60s deployment/brokkr-agent");
      assert.deepEqual(await shell.names("deployments"), ["brokkr-agent", "brokkr-broker"]);
      assert.deepEqual(await shell.names("servicemonitors"), []);
    });

    await test.step("prometheus-and-grafana.md has both watched, and changes nothing else", async () => {
      const before = await shell.type("kubectl --namespace brokkr get deployments --output jsonpath={..spec.template}");

      for (const command of monitor ?? []) await shell.type(command);

      for (const kind of ["servicemonitors", "prometheusrules"]) {
        assert.deepEqual(await shell.names(kind), ["brokkr-agent", "brokkr-broker"]);
      }
      assert.equal((await shell.names("configmaps")).filter((name) => /-(health|fleet)$/.test(name)).length, 3);
      assert.equal(
        await shell.type("kubectl --namespace brokkr get deployments --output jsonpath={..spec.template}"),
        before,
      );
    });

    await test.step("the values that pages show for a chart are taken by it, and by the API server", async () => {
      const shown = [[MONITOR, "overrides:", ["broker"]], [LIMIT, "restrictEgress", ["broker", "agent"]]] as const;
      for (const [page, mark, charts] of shown) {
        const values = (await blocksOf(page)).filter(({ text, language }) =>
          language === "yaml" && text.includes(mark)
        );
        assert.equal(values.length, charts.length, page);
        for (const [i, chart] of charts.entries()) {
          await Deno.writeTextFile(`${shell.folder}/values.yaml`, values[i]?.text ?? "");
          const upgrade = `helm --namespace brokkr upgrade brokkr-${chart} charts/brokkr-${chart}`;
          await shell.type(`${upgrade} --reset-then-reuse-values --values values.yaml`);
        }
      }

      const severities = 'jsonpath={..rules[?(@.alert=="BrokkrHttpErrors")].labels}';
      assert.equal(
        await shell.type(`kubectl --namespace brokkr get prometheusrule brokkr-broker --output '${severities}'`),
        '{"severity":"critical","team":"platform"}',
      );
      assert.deepEqual(await shell.names("networkpolicies"), ["brokkr-agent", "brokkr-broker"]);
    });

    await test.step("limit-network-access.md shows what would be rendered", async () => {
      const [command = "", ...others] = commandsOf(await blocksOf(LIMIT));

      const said = await shell.type(command);

      assert.deepEqual(others, []);
      assert.match(said, /kind: NetworkPolicy[^]*port: 5432/);
    });

    await test.step("monitoring.md: the ServiceMonitors by hand are what their definition says", async () => {
      for (const { text } of await monitoringBlocks("monitors")) {
        const file = `${shell.folder}/monitors.yaml`;
        await Deno.writeTextFile(file, text);

        const said = await shell.type(`kubectl create --dry-run=server --validate=strict --filename ${file}`);

        assert.equal(said.match(/^servicemonitor\.\S+ created \(server dry run\)$/gm)?.length, 2, said);
      }
    });

    await test.step("install-with-helm.md takes the broker away again", async () => {
      for (const command of install?.filter(isLast) ?? []) await shell.type(command);

      assert.deepEqual(await shell.names("deployments"), ["brokkr-agent"]);
    });
  },
);

/** What can be typed here, once: the cluster of the broker and that of the agent are the same. */
async function commandsOfPage(path: string): Promise<readonly string[]> {
  const commands = commandsOf(await blocksOf(path));
  const typed = new Set(commands.filter((command) => !WANTS_PROGRAM.test(command)));
  assert.ok(typed.size >= 3, path);
  assert.deepEqual([...typed].filter((command) => !/^(helm|kubectl|cat >) ?/.test(command)), []);
  return [...typed];
}

/** A shell beside the charts, with Helm, kubectl and one cluster. */
interface Shell extends AsyncDisposable {
  readonly folder: string;
  /** Fails the test unless the command succeeds; answers what it says. */
  type(command: string): Promise<string>;
  /** The names of what the namespace has of a kind. */
  names(kind: string): Promise<readonly string[]>;
}

async function openShell(): Promise<Shell> {
  const binaries = locateControlPlane();
  assert.ok(binaries !== undefined);
  const control: ControlPlane = await startControlPlane(binaries);
  const folder = await Deno.makeTempDir({ prefix: "brokkr-shell-" });
  await Deno.symlink(CHARTS, `${folder}/charts`);
  const env = { HOME: folder, KUBECONFIG: control.kubeconfigPath, PATH: `${helmFolder()}:${Deno.env.get("PATH")}` };
  const type = async (command: string) => {
    const options = { cwd: folder, clearEnv: true, env };
    const { code, stdout, stderr } = await new Deno.Command("bash", { args: ["-c", command], ...options }).output();
    assert.equal(code, 0, `${command}\n${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  };
  return {
    folder,
    type,
    async names(kind) {
      const said = await type(`kubectl --namespace brokkr get ${kind} --output name`);
      return said.split("\n").filter((line) => line !== "").map((line) => line.replace(/.*\//, ""));
    },
    async [Symbol.asyncDispose]() {
      await control.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
