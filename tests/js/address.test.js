import assert from "node:assert/strict";
import test from "node:test";
import { changed, followed, link } from "../../assets/js/shared/address.js";

test("an address keeps what it has, takes what is new and drops what is empty", () => {
  const params = changed(new URLSearchParams("run=a&question=q"), { question: null, page: 2, run: "b c" });
  assert.equal(params.toString(), "run=b+c&page=2");
  assert.equal(link({ run: "a&b" }, "tune"), "tune?run=a%26b");
});

test("a link opens in place, unless a key asks the browser for more", () => {
  const opened = [];
  const press = (more) => {
    const event = {
      preventDefault: () => opened.push("kept"),
      stopPropagation: () => {},
      currentTarget: "link",
      ...more,
    };
    followed((it) => opened.push(it))(event);
  };
  press({ ctrlKey: true });
  assert.deepEqual(opened, []);
  press({});
  assert.deepEqual(opened, ["kept", "link"]);
});
