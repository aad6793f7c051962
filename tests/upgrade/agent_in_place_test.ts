import assert from "node:assert/strict";
import { EVERYWHERE, story } from "../system/story.ts";
import { eventually } from "../system/wait.ts";
import { openWorld } from "../system/world.ts";
import { CHANGED, modeOfChanged, PLAIN, records, versionsOfPlain } from "./old_deliveries.ts";
import { unpackOldPrograms } from "./old_programs.ts";

story(
  "upgrade: an agent of 0.10.0 is replaced, and writes what means something else, and records",
  EVERYWHERE,
  async (parts) => {
    await using old = await unpackOldPrograms();
    await using world = await openWorld({ parts, agentEntry: old.entry("agent") });
    const [stack, changed] = [await world.addStack("plain"), await world.addStack("changed")];
    await world.untilApplied(await world.submit(stack, PLAIN));
    await world.untilApplied(await world.submit(changed, CHANGED));
    assert.equal(await modeOfChanged(world), 400);
    await world.agent.stop();
    const before = await versionsOfPlain(world);

    await world.startAgent({}, { entry: undefined });
    await eventually("both stacks are recorded", async () => (await records(world)).every((record) => record === "1"));
    await eventually("the mode is what it means", async () => await modeOfChanged(world) === 0o400);

    assert.deepEqual(await versionsOfPlain(world), before);
    assert.equal((await records(world)).length, 2);
    await world.generator.call("DELETE", `/stacks/${stack}`);
    await eventually(
      "all of the stack is gone",
      async () => (await versionsOfPlain(world)).every((one) => one === undefined),
    );
  },
);
