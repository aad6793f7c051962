import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { runCommand } from "./programs.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

const ANOTHER = "11111111-1111-4111-8111-111111111111";

story(
  "accept-epoch: an agent on hold prunes again once a person accepts the broker's database",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    const root = `/api/v1/namespaces/default/configmaps/brokkr-agent-${world.agentId}`;
    const annotations = async () => (await world.cluster.get(root))?.metadata.annotations ?? {};
    const acceptEpoch = () =>
      runCommand("agent", ["accept-epoch"], {
        AGENT__BROKER_URL: world.broker.url,
        AGENT__PAK: world.agentPak,
        AGENT__AGENT_NAME: "agent",
        AGENT__CLUSTER_NAME: "cluster",
        AGENT__KUBECONFIG_PATH: world.cluster.kubeconfigPath,
      });
    const stackId = await world.addStack("web");
    await world.untilApplied(await world.submit(stackId, configMap("web")));
    const { "brokkr.io/epoch": epoch } = await annotations();

    const early = await acceptEpoch();
    await world.agent.stop();
    await world.cluster.patch(root, { metadata: { annotations: { "brokkr.io/epoch": ANOTHER } } });
    await world.startAgent();
    await eventually("the agent is on hold", async () => "brokkr.io/hold" in await annotations());
    const accepted = await acceptEpoch();
    await eventually("the hold is over", async () => !("brokkr.io/hold" in await annotations()));

    assert.deepEqual([early.code, early.stderr], [0, "the agent is not on hold\n"]);
    assert.deepEqual([accepted.code, accepted.stderr, accepted.stdout], [0, `epoch ${epoch} is accepted\n`, ""]);
    const after = await annotations();
    assert.equal(after["brokkr.io/epoch"], epoch);
    assert.equal(after["brokkr.io/accept-epoch"], undefined);
  },
);
