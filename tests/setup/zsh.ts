import { zshFolder } from "../zsh/binaries.ts";
import { openApt } from "./apt.ts";
import { run, type Say } from "./commands.ts";
import { once } from "./once.ts";

/**
 * Finds zsh in the cache, or puts Debian's there; answers where it is. The packages are unpacked, not installed: nobody
 * is to find another shell on this machine.
 */
export function setUpZsh(say: Say): Promise<string> {
  return once(zshFolder(), async (folder) => {
    const apt = openApt(say);
    await apt.update();
    say(`zsh: fetching ${await apt.candidate("zsh") ?? "none"}`);
    await apt.unpack(["zsh", "zsh-common"], `${folder}/package`);
    const parts =
      "cp package/bin/zsh zsh || cp package/usr/bin/zsh zsh; mv package/usr/share/zsh/functions functions; " +
      "mv package/usr/lib/*/zsh/* modules";
    await run({ program: "sh", args: ["-e", "-c", parts], cwd: folder });
    await Deno.remove(`${folder}/package`, { recursive: true });
  });
}
