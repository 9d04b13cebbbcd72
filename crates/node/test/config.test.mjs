// What is wrong in a configuration is said all at once, with what to do.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Dynaseal, DynasealError, defineTable } from "../dist/esm/index.mjs";
import { config, toml } from "./support/tables.mjs";

const env = { DYNASEAL_TEST_KEY: "7e21".repeat(16) };

test("every fault of an object, by its section", () => {
  const wrong = {
    keys: { test: { ...config.keys.test, type: "raw-eas" } },
    tables: { Users: { keys: "test", partiton_key: "id" }, "my.table": { keys: "tset", partition_key: "id" } },
  };
  assert.throws(
    () => new Dynaseal(wrong, { env }),
    (error) => {
      assert.ok(error instanceof DynasealError && error.kind === "config");
      assert.deepEqual(error.faults.map(({ code }) => code).sort(), ["DSL-5002", "DSL-5003", "DSL-5005", "DSL-5007"]);
      for (const words of ["did you mean partition_key?", 'did you mean "raw-aes"?', "[tables.Users]"])
        assert.ok(error.message.includes(words), error.message);
      assert.ok(error.faults.every((fault) => fault.file === undefined && fault.line === undefined));
      return true;
    },
  );
});

test("every fault of a file, by line and column", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-config-"));
  const path = join(folder, "dynaseal.toml");
  await writeFile(path, toml.replace("partition_key", "partiton_key"));
  assert.throws(
    () => new Dynaseal(path, { env }),
    (error) => {
      const fault = error.faults.find(({ code }) => code === "DSL-5002");
      assert.deepEqual([fault.file, fault.line, fault.column], [path, 10, 1]);
      assert.ok(error.message.includes(`${path}:10:1: DSL-5002`));
      return true;
    },
  );
  assert.throws(() => new Dynaseal(join(folder, "none.toml"), { env }), { code: "DSL-5000" });
  await rm(folder, { recursive: true });
});

test("key files are found from the folder of the process", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-config-"));
  const { key_env: _, ...key } = config.keys.test;
  const before = process.cwd();
  process.chdir(folder);
  try {
    await writeFile("test.key", env.DYNASEAL_TEST_KEY, { mode: 0o600 });
    const dynaseal = new Dynaseal({ ...config, keys: { test: { ...key, key_file: "test.key" } } });
    assert.deepEqual(dynaseal.warnings, []);
  } finally {
    process.chdir(before);
    await rm(folder, { recursive: true });
  }
});

test("keys come from process.env, or from what is given instead, and are never shown", () => {
  process.env.DYNASEAL_TEST_KEY = "not a key: canary";
  assert.throws(
    () => new Dynaseal(config),
    (error) => error.code === "DSL-5012" && !error.message.includes("canary"),
  );
  assert.throws(() => new Dynaseal(config, { env: {} }), { code: "DSL-5010" });
  assert.ok(new Dynaseal(config, { env }));
  delete process.env.DYNASEAL_TEST_KEY;
  assert.throws(() => new Dynaseal(config), { code: "DSL-5010" });
});

test("what is no configuration at all", () => {
  for (const wrong of [undefined, null, 5, [], { keys: null }, { keys: { test: { type: null } } }]) {
    assert.throws(() => new Dynaseal(wrong, { env }), { code: "DSL-5001" });
  }
});

test("warnings are Node's own", async () => {
  const warned = new Promise((resolve) => process.once("warning", resolve));
  const { warnings } = new Dynaseal(
    { ...config, tables: { Users: { ...config.tables.Users, plaintext: "read" } } },
    { env },
  );
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["DSL-5203"],
  );
  assert.equal((await warned).name, "DynasealWarning");
});

test("defineTable gives its rules back", () => {
  assert.equal(defineTable(config.tables.Users), config.tables.Users);
});
