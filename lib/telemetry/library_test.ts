import assert from "node:assert/strict";
import { meteredLibrary } from "../../tests/fakes/metered_library.ts";
import { metricsIn, startPushed } from "../../tests/fakes/pushed.ts";

Deno.test("a library that knows the API alone is handed our meter provider, and is on page and push", async () => {
  const { registry, receiver, next } = await startPushed();
  const library = meteredLibrary(registry.meterProvider, () => 7);

  library.sell("book", 3);
  library.sell("book", 7);
  const from = receiver.requests.length;
  await next();

  const page = await registry.page?.("text") ?? "";
  assert.deepEqual(page.split("\n").filter((line) => line.startsWith("shop_")), [
    'shop_sold_total{what="book"} 2',
    'shop_duration_bucket{what="book",le="1.0"} 0',
    'shop_duration_bucket{what="book",le="5.0"} 1',
    'shop_duration_bucket{what="book",le="+Inf"} 2',
    'shop_duration_sum{what="book"} 10',
    'shop_duration_count{what="book"} 2',
    "shop_open 0",
    "shop_stock 7",
  ]);
  const pushed = metricsIn(receiver, from).filter(({ scope }) => scope === "shop");
  const [point] = pushed[1]?.points ?? [];
  assert.deepEqual(pushed.map(({ name, type, unit }) => `${type} ${name} ${unit}`.trim()), [
    ...["sum shop.sold {thing}", "histogram shop.duration s", "sum shop.open", "gauge shop.stock"],
  ]);
  assert.deepEqual(pushed.map(({ points }) => points[0]?.value), [2, 0, 0, 7]);
  assert.deepEqual([point?.count, point?.sum, point?.bounds, point?.counts], [2, 10, [1, 5], [0, 1, 1]]);
});
