import type { Json } from "./json.ts";

const FACTORS: Record<string, number> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that a quantity (`100m`, `1Gi`, `3`) stands for; what is none counts as 0. */
export function parseQuantity(value: Json | undefined): number {
  const [, amount = "0", unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(String(value ?? "0")) ?? [];
  return Number(amount) * (FACTORS[unit] ?? 0);
}

/** A number as a quantity of this resource is shown. */
export function showQuantity(resource: string, amount: number): string {
  if (resource.endsWith("cpu") && !Number.isInteger(amount)) return `${Math.round(amount * 1e3)}m`;
  return resource.endsWith("memory") && amount > 0 && amount % 2 ** 20 === 0 ? `${amount / 2 ** 20}Mi` : String(amount);
}

const SCALES = [["Ti", 2 ** 40], ["Gi", 2 ** 30], ["Mi", 2 ** 20], ["Ki", 2 ** 10]] as const;

/** A quantity in the one way in which the server writes it: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`. */
export function canonicalQuantity(value: Json): Json {
  const text = String(value);
  if (!/^[0-9.]+(m|[KMGT]i)?$/.test(text)) return value;
  const amount = parseQuantity(text);
  if (!Number.isInteger(amount)) return `${Math.round(amount * 1_000)}m`;
  const [unit, factor] = SCALES.find(([, factor]) => text.endsWith("i") && amount > 0 && amount % factor === 0) ??
    ["", 1];
  return `${amount / factor}${unit}`;
}
