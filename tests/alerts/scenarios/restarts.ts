import { type PlayedScenario, recordWorld } from "../scenario.ts";

/** Each program is killed and started again, and again, and again: up for some minutes, and down for one. */
export const CRASH_LOOP: PlayedScenario = {
  name: "crash_loop",
  play: {
    title: "both programs end again and again",
    pages: [],
    tickets: ["BrokkrAgentRestarting", "BrokkrBrokerRestarting"],
  },
  alerts: ["BrokkrBrokerRestarting", "BrokkrAgentRestarting"],
  record: recordWorld({ parts: ["postgres"] }, async (world, recorder) => {
    await recorder.steps(6);
    recorder.breaks();
    for (let starts = 0; starts < 5; starts += 1) {
      await Promise.all([world.broker.kill(), world.agent.kill()]);
      await recorder.steps(1);
      await world.startBroker();
      await world.startAgent();
      await recorder.steps(3);
    }
    recorder.mends();
    await recorder.steps(50);
  }),
};
