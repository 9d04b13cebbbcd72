// What is wrong in a configuration is said all at once, with what to do.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { types } from "node:util";
import vm from "node:vm";
import { Dynaseal, DynasealError, defineTable, seal } from "../dist/esm/index.mjs";
import { dynamodb } from "./support/sdk.mjs";
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

/** Stands for a getter in its place. */
class Getter {
  enumerable = true;
  constructor(get) {
    this.get = get;
  }
}

const isGetter = (value) => !types.isProxy(value) && value instanceof Getter;

/** The configuration with something else in one place. */
function changed(path, value) {
  const copy = structuredClone(config);
  const last = path.at(-1);
  const holder = path.slice(0, -1).reduce((inside, name) => inside[name], copy);
  if (isGetter(value)) Object.defineProperty(holder, last, value);
  else holder[last] = value;
  return copy;
}

const { Users } = config.tables;
class Rules {
  constructor() {
    Object.assign(this, Users);
  }
}
class Getters {
  get tables() {
    return config.tables;
  }
  get keys() {
    return config.keys;
  }
}
/** An object that throws whatever is asked of it. */
function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
/** Looks like an object of literals that has no members. */
const disguised = (value, prototype = null) => Object.setPrototypeOf(value, prototype);
const cyclic = { ...Users };
cyclic.attributes = { id: cyclic };

/** What protects nothing, or less than it seems to: the place, and what stands there. */
const FORGOTTEN = [
  [[], Promise.resolve(config), /it is a promise.*Await it/],
  [[], { then: (done) => done(config) }, /then is a function/],
  [[], new Map(Object.entries(config)), /it is a Map/],
  [[], () => config, /it is a function/],
  [[], new Getters(), /it is an object of a class/],
  [[], Object.create(config), /it is an object of a class/],
  [[], 5n, /it is a BigInt/],
  [[], Symbol("config"), /it is a symbol/],
  [[], new Set([config]), /it is a Set/],
  [[], revoked(), /cannot be looked into/],
  [["tables"], revoked(), /cannot be looked into/],
  [["tables"], undefined, /tables is undefined/],
  [["tables"], new Map(Object.entries(config.tables)), /tables is a Map/],
  [["tables"], [config.tables], /tables is a list/],
  [["tables"], Promise.resolve(config.tables), /tables is a promise/],
  [["tables"], () => config.tables, /tables is a function/],
  [["tables"], new Getter(() => config.tables), /tables is a getter/],
  [["keys"], new Map(Object.entries(config.keys)), /keys is a Map/],
  [["keys", "test"], [], /keys\.test is a list/],
  [["keys", "test"], Promise.resolve(config.keys.test), /keys\.test is a promise/],
  [["keys", "test", "key_env"], new String("DYNASEAL_TEST_KEY"), /key_env is an object of a class/],
  [["keys", "test", "key_env"], Buffer.from("DYNASEAL_TEST_KEY"), /key_env is an object of a class/],
  [["tables", "Users"], undefined, /tables\.Users is undefined/],
  [["tables", "Users"], null, /tables\.Users is null/],
  [["tables", "Users"], new Rules(), /tables\.Users is an object of a class/],
  [["tables", "Users"], new Map(Object.entries(Users)), /tables\.Users is a Map/],
  [["tables", "Users"], cyclic, /goes too deep, or round in a circle/],
  [["tables", "Users", "attributes"], undefined, /attributes is undefined/],
  [["tables", "Users", "attributes"], new Map(Object.entries(Users.attributes)), /attributes is a Map/],
  [["tables", "Users", "attributes"], new Set(["email"]), /attributes is a Set/],
  [["tables", "Users", "attributes"], ["email"], /attributes is a list/],
  [["tables", "Users", "attributes"], Promise.resolve(Users.attributes), /attributes is a promise/],
  [["tables", "Users", "attributes"], disguised(Promise.resolve(Users.attributes)), /attributes is a promise/],
  [["tables", "Users", "attributes"], disguised(Promise.resolve(Users.attributes), Object.prototype), /attributes is a promise/],
  [["tables", "Users", "attributes"], disguised(new Map(Object.entries(Users.attributes))), /attributes is a Map/],
  [["tables", "Users", "attributes"], disguised(new Set(["email"])), /attributes is a Set/],
  [["tables", "Users", "attributes"], disguised(new WeakMap()), /attributes is an object of a class/],
  [["tables", "Users", "attributes"], disguised(new Date()), /attributes is an object of a class/],
  [["tables", "Users", "attributes"], disguised(new Number(1)), /attributes is an object of a class/],
  [["tables", "Users", "attributes"], disguised(new ArrayBuffer(8)), /attributes is an object of a class/],
  [["tables", "Users", "attributes"], disguised(new Uint8Array(0)), /attributes is an object of a class/],
  [["tables", "Users", "attributes", "email"], undefined, /attributes\.email is undefined/],
  [["tables", "Users", "attributes", "email"], null, /attributes\.email is null/],
  [["tables", "Users", "attributes", "email"], new Getter(() => "encrypt_and_sign"), /attributes\.email is a getter/],
  [["tables", "Users", "attributes", "email"], () => "encrypt_and_sign", /attributes\.email is a function/],
  [["tables", "Users", "unsigned"], new Set(["views"]), /unsigned is a Set/],
  [["tables", "Users", "unsigned"], ["views", undefined], /unsigned\.1 is undefined/],
  [["tables", "Users", "plaintext"], NaN, /plaintext is not a finite number/],
];

test("what was forgotten or cannot be said in a file leaves no table unprotected", () => {
  for (const [path, value, said] of FORGOTTEN) {
    const wrong = path.length === 0 ? value : changed(path, value);
    for (const make of [() => new Dynaseal(wrong, { env }), () => seal(client(), wrong, { env })]) {
      assert.throws(make, (error) => {
        assert.ok(error instanceof DynasealError, `${path}: ${error?.stack}`);
        assert.deepEqual([error.code, error.kind], ["DSL-5001", "config"], error.message);
        assert.match(error.message, said);
        return true;
      });
    }
  }
});

test("an action is a text that the configuration knows, and a table a section", () => {
  for (const value of ["", "encrypt", 1, true, {}, [], { action: "encrypt_and_sign" }]) {
    assert.throws(() => new Dynaseal(changed(["tables", "Users", "attributes", "email"], value), { env }), isConfig);
  }
  for (const value of ["Users", 1, true, {}]) {
    assert.throws(() => new Dynaseal(changed(["tables", "Users"], value), { env }), isConfig);
  }
  assert.throws(() => new Dynaseal(changed(["tables"], "Users"), { env }), isConfig);
});

const isConfig = (error) => error instanceof DynasealError && error.kind === "config";
const client = () => new dynamodb.DynamoDBClient({ region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });

test("plain objects are taken wherever they come from", () => {
  const bare = Object.assign(Object.create(null), config, { tables: Object.assign(Object.create(null), config.tables) });
  const elsewhere = vm.runInNewContext("JSON.parse(text)", { text: JSON.stringify(config) });
  const optional = { ...config, tables: { Users: { ...Users, sort_key: undefined, logical_name: undefined } } };
  for (const plain of [bare, elsewhere, optional, Object.freeze(structuredClone(config)), new Proxy(config, {})])
    assert.ok(new Dynaseal(plain, { env }));
});

test("members count although a loop would not show them", async () => {
  const attributes = Object.defineProperty({ id: "sign_only" }, "email", { value: "encrypt_and_sign", enumerable: false });
  const Users = { ...config.tables.Users, default_action: "sign_only", attributes };
  const dynaseal = new Dynaseal({ keys: config.keys, tables: { Users } }, { env });
  const { email } = await dynaseal.sealItem("Users", { id: { S: "1" }, email: { S: "x" } });
  assert.deepEqual(Object.keys(email), ["B"]);
});

test("a path is a path, and stands alone", () => {
  for (const wrong of [new URL("https://example.com/dynaseal.toml"), { config: 5 }, { config: { ...config } }, { config: undefined }])
    assert.throws(() => new Dynaseal(wrong, { env }), { name: "DynasealError", code: "DSL-5001" });
  assert.throws(() => new Dynaseal({ config: "dynaseal.toml", ...config }, { env }), { code: "DSL-5001" });
  for (const none of ["", "none.toml", "a\0b", { config: "none.toml" }, new URL("file:///none.toml")])
    assert.throws(() => new Dynaseal(none, { env }), isConfig);
});

test("options that cannot be used are said by name", () => {
  const kms = { send() {}, config: {} };
  const wrong = [revoked(), { env: revoked() }, null, 5, "env", [], new Map(), Promise.resolve({ kms }), () => ({ kms })];
  for (const name of ["kms", "dynamodb"]) wrong.push({ [name]: null }, { [name]: {} }, { [name]: "eu-west-1" }, { [name]: Promise.resolve(kms) });
  wrong.push({ env: null }, { env: new Map() }, { env: Promise.resolve(env) }, { env: "A=B" }, { env: { DYNASEAL_TEST_KEY: 7 } });
  wrong.push({ env: { DYNASEAL_TEST_KEY: Promise.resolve(env.DYNASEAL_TEST_KEY) } });
  for (const options of wrong) {
    for (const make of [() => new Dynaseal(config, options), () => seal(client(), config, options)])
      assert.throws(make, (error) => error instanceof DynasealError && error.code === "DSL-9012" && error.kind === "config");
  }
  const dynaseal = new Dynaseal(config, { env });
  assert.throws(() => seal(client(), dynaseal, { kms }), { code: "DSL-9012" });
  assert.throws(() => seal(revoked(), dynaseal), { code: "DSL-9001" });
});

test("a polluted Object.prototype chooses nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-config-"));
  const path = join(folder, "theirs.toml");
  const theirs = "66".repeat(32);
  await writeFile(path, toml);
  const mine = { id: { S: "1" }, email: { S: "mine" } };
  const sealed = await new Dynaseal(config, { env }).sealItem("Users", mine);
  const pollution = {
    config: path,
    env: { DYNASEAL_TEST_KEY: theirs },
    DYNASEAL_TEST_KEY: theirs,
    key_file: path,
    table: "Orders",
    tables: {},
    attributes: { email: "sign_only" },
    default_action: "sign_only",
    plaintext: "write",
    unsigned: ["email"],
    Other: Users,
    kms: { send: () => assert.fail("their KMS was asked"), config: {} },
    toJSON: () => ({}),
    B: "AAAA",
    M: {},
    NewImage: { id: { S: "theirs" } },
    region: "theirs",
    then: undefined,
  };
  for (const [name, value] of Object.entries(pollution)) {
    const event = { Records: [{ dynamodb: { Keys: { id: { S: "1" } }, OldImage: sealed } }] };
    let made, opened, again, image, failed, own;
    Object.defineProperty(Object.prototype, name, { value, enumerable: true, configurable: true, writable: true });
    try {
      made = new Dynaseal(config, { env });
      opened = await made.openItem("Users", sealed);
      again = await made.sealItem("Users", mine);
      image = await made.openRecords(event, { table: "Users" });
      failed = await made.openRecords(event).catch((error) => error);
      own = (() => {
        try {
          return new Dynaseal(config, { env: {} });
        } catch (error) {
          return error;
        }
      })();
    } finally {
      delete Object.prototype[name];
    }
    assert.deepEqual(opened, mine, name);
    assert.deepEqual(Object.keys(again.email), ["B"], name);
    assert.deepEqual(await new Dynaseal(config, { env }).openItem("Users", again), mine, name);
    assert.deepEqual(Object.keys(image.Records[0].dynamodb).sort(), ["Keys", "OldImage"], name);
    assert.deepEqual(image.Records[0].dynamodb.OldImage, mine, name);
    assert.equal(failed.kind, "caller", `${name}: ${failed}`);
    assert.equal(own.code, "DSL-5010", name);
  }
  await rm(folder, { recursive: true });
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
