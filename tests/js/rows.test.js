import assert from "node:assert/strict";
import test from "node:test";
import { filtered, paged, sorted, tsv, turned } from "../../assets/js/shared/rows.js";

const ROWS = [
  { name: "run 10", size: 3 },
  { name: "Run 9", size: null },
  { name: "run 1", size: 3 },
];
const names = (rows) => rows.map(({ name }) => name);

test("names sort as people count, figures by size, missing ones last either way", () => {
  assert.deepEqual(names(sorted(ROWS, { key: "name", down: false })), ["run 1", "Run 9", "run 10"]);
  assert.deepEqual(names(sorted(ROWS, { key: "name", down: true })), ["run 10", "Run 9", "run 1"]);
  for (const down of [true, false])
    assert.deepEqual(names(sorted(ROWS, { key: "size", down }, ["name"])).at(-1), "Run 9");
  assert.deepEqual(names(sorted(ROWS, { key: "size", down: false }, ["name"])), ["run 1", "run 10", "Run 9"]);
  assert.equal(names(ROWS)[0], "run 10"); // what was given stays as it was
});

test("every word is looked for, in any case and order", () => {
  assert.deepEqual(names(filtered(ROWS, "10 RUN", ({ name }) => name)), ["run 10"]);
  assert.equal(filtered(ROWS, "  ", ({ name }) => name).length, 3);
});

test("a page that is not there any more becomes the last", () => {
  const rows = [1, 2, 3, 4, 5];
  assert.deepEqual(paged(rows, 9, 2), { rows: [5], page: 2, pages: 3, first: 4 });
  assert.deepEqual(paged([], 0, 2), { rows: [], page: 0, pages: 1, first: 0 });
});

test("a head turns the order, and begins with the largest figure", () => {
  const size = { key: "size", number: true };
  assert.deepEqual(turned({ key: "name", down: false }, size), { key: "size", down: true });
  assert.deepEqual(turned({ key: "size", down: true }, size), { key: "size", down: false });
});

test("a copied table keeps its cells apart", () => {
  assert.equal(
    tsv([
      ["a\tb", "c\nd"],
      [null, 1.5],
    ]),
    "a b\tc d\n\t1.5",
  );
});
