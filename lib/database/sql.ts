import type { Sql, SqlFragment, SqlJson, SqlValue } from "$lib/database.ts";

/** The tagged template over whatever runs statements. */
export function sqlOver(
  run: (piece: TemplateStringsArray, values: readonly SqlValue[]) => Promise<readonly object[]>,
): Sql {
  function sql<Row extends object>(
    piece: TemplateStringsArray,
    ...values: readonly SqlValue[]
  ): Promise<readonly Row[]> {
    return run(piece, values) as Promise<readonly Row[]>;
  }
  return Object.assign(sql, { fragment, json });
}

function fragment(piece: TemplateStringsArray, ...values: readonly SqlValue[]): SqlFragment {
  return { fragment: true, piece, values };
}

function json(value: unknown): SqlJson {
  return { json: value };
}
