/** One thing that a client accepts, in lower case, and how much: 0 is not at all. */
export interface Preference {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** What a header such as `Accept` or `Accept-Encoding` lists, in its order. */
export function* preferences(header: string): Generator<Preference> {
  for (const range of header.split(",")) {
    const [name = "", ...rest] = range.split(";").map((part) => part.trim().toLowerCase());
    const parameters = new Map(rest.map((parameter) => {
      const [key = "", value = ""] = parameter.split("=").map((side) => side.trim());
      return [key, value.replaceAll('"', "")];
    }));
    const quality = Number(parameters.get("q") ?? 1);
    yield { name, parameters, quality: quality >= 0 ? quality : 0 };
  }
}
