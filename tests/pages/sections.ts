/** The blocks of a section, by language: the last of each. */
export type Section = Readonly<Record<string, string>>;

/** The sections of a page of this repository by their headings; what stands before the first one by the page's own. */
export async function sectionsOf(path: string): Promise<ReadonlyMap<string, Section>> {
  const page = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  return new Map(
    page.split(/^## /m).map((text) => {
      const blocks = [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
      return [text.split("\n", 1)[0] ?? "", Object.fromEntries(blocks.map(([, language, block]) => [language, block]))];
    }),
  );
}
