import assert from "node:assert/strict";
import test from "node:test";
import {
  bytes,
  chosen,
  counted,
  duration,
  fixed,
  moment,
  number,
  quoted,
  revealed,
  share,
} from "../../assets/js/shared/words.js";

test("a number has two significant digits, and says that it is missing", () => {
  assert.deepEqual([1234.5, 12.34, 1.234, 0.1234, 0.01234, 0, null, undefined].map(number), [
    ...["1235", "12", "1.2", "0.12", "0.012", "0", "n/a", "n/a"],
  ]);
  assert.deepEqual([0.996, 0.0996, 9.96, -0.0042].map(number), ["1.0", "0.10", "10", "\u22120.0042"]);
  assert.equal(number(-0.00001), "\u22121e\u22125");
});

test("a number that rounds to zero has no minus sign, and others a true one", () => {
  assert.deepEqual([fixed(-0.04, 1), fixed(-0.06, 1), fixed(-0, 0)], ["0.0", "\u22120.1", "0"]);
});

test("a share is never 100% or 0% where it is not", () => {
  assert.deepEqual([1, 0, 0.999999, 0.997, 0.9912, 0.514, 0.004, null].map(share), [
    ...["100%", "0%", "99.99%", "99.7%", "99%", "51%", "0.40%", "n/a"],
  ]);
  assert.deepEqual([0.125, 0.1, 1 - 0.1].map(chosen), ["12.5%", "10%", "90%"]);
});

test("sizes, times and counts have their unit", () => {
  assert.deepEqual([0, 999, 1500, 12_345_678].map(bytes), ["0 B", "999 B", "1.5 kB", "12 MB"]);
  assert.deepEqual([0.2, 59, 90, 7200].map(duration), ["1 s", "59 s", "2 min", "2.0 h"]);
  assert.deepEqual([counted(1, "file"), counted(1200, "file")], ["1 file", "1,200 files"]);
});

test("today has a time, another day a date", () => {
  const now = new Date(2026, 1, 3, 12, 0);
  assert.match(moment(new Date(2026, 1, 3, 9, 5), now), /9:05|09:05/);
  assert.match(moment(new Date(2025, 1, 3), now), /2025/);
});

test("a character that hides or reorders others is named, and joiners of a script stay", () => {
  assert.deepEqual(revealed("a\u202eb"), ["a", { name: "RLO", code: "U+202E" }, "b"]);
  assert.deepEqual(revealed("\u0007"), [{ name: "U+0007", code: "U+0007" }]);
  assert.deepEqual(revealed("\u{1f469}\u200d\u{1f680}"), ["\u{1f469}\u200d\u{1f680}"]);
  assert.deepEqual(revealed("a\u200db"), ["a", { name: "ZWJ", code: "U+200D" }, "b"]);
  assert.deepEqual(revealed(""), [""]);
});

test("a name in a command is one word of a shell", () => {
  const words = ["'my answers'", "'it'\\''s $HOME'"];
  assert.deepEqual(["answers-2.1", "my answers", "it's $HOME"].map(quoted), ["answers-2.1", ...words]);
});
