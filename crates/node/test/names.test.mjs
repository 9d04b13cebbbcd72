// Which names a table can have: the list that the tests in Rust read, so that all heads agree on each.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Dynaseal, DynasealError } from "../dist/esm/index.mjs";
import { config } from "./support/tables.mjs";

process.env.DYNASEAL_TEST_KEY = "7e21".repeat(16);

const list = new URL("../../engine/tests/names/tables.json", import.meta.url);

test("a name that no table can have is refused", async () => {
  const names = JSON.parse(await readFile(list, "utf8"));
  assert.ok(names.length >= 40);
  const rules = { keys: "test", default_action: "encrypt_and_sign", attributes: { id: "sign_only" } };
  for (const { name, possible } of names) {
    const table = name.includes("*") ? rules : { ...rules, partition_key: "id" };
    const make = () => new Dynaseal({ keys: config.keys, tables: { [name]: table } });
    if (possible) {
      make();
      continue;
    }
    assert.throws(make, (error) => {
      assert.ok(error instanceof DynasealError, `${JSON.stringify(name)}: ${error}`);
      assert.equal(error.code, "DSL-5015", JSON.stringify(name));
      return true;
    });
  }
});

test("a configuration that protects nothing must say so", () => {
  for (const nothing of [{}, { tables: {} }, { keys: config.keys, tables: {} }, { allow_no_tables: false }]) {
    assert.throws(() => new Dynaseal(nothing), { name: "DynasealError", code: "DSL-5016" });
  }
  new Dynaseal({ allow_no_tables: true, keys: config.keys, tables: {} });
});
