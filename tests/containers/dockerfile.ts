/** One instruction of a Dockerfile, its lines joined: `COPY`, `lib ./lib`. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** From one `FROM` to the next. */
export interface Stage {
  /** The image it begins with, a build argument replaced by its default. */
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

/** Reads a Dockerfile: comments go, continued lines are joined. */
export function readDockerfile(text: string): Stage[] {
  const lines = text.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\\\n\s*/g, "").split("\n").filter((line) => line !== "");
  const stages: { image: string; instructions: Instruction[] }[] = [];
  const before = new Map<string, string>();
  for (const line of lines) {
    const [name = "", rest = ""] = splitOnce(line);
    if (name === "ARG" && stages.length === 0) before.set(`$${rest.split("=")[0]}`, rest.slice(rest.indexOf("=") + 1));
    const [image = ""] = splitOnce(rest);
    if (name === "FROM") stages.push({ image: before.get(image) ?? image, instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
}

/** The texts of every instruction of a name. */
export function textsOf({ instructions }: Stage, name: string): string[] {
  return instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

/** What `COPY` takes from the build's context: paths from the root of the repository. */
export function copiedFrom(stage: Stage): string[] {
  return textsOf(stage, "COPY").filter((text) => !text.startsWith("--from")).flatMap((text) =>
    text.split(" ").slice(0, -1)
  );
}

/** The pairs of `LABEL` and `ENV`. */
export function pairsOf(stage: Stage, name: string): ReadonlyMap<string, string> {
  const pairs = textsOf(stage, name).join(" ").matchAll(/([\w.]+)=("[^"]*"|\S+)/g);
  return new Map([...pairs].map(([, key = "", value = ""]) => [key, value.replaceAll('"', "")]));
}

function splitOnce(text: string): string[] {
  const at = text.indexOf(" ");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
