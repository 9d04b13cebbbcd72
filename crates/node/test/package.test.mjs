// What is published: packed, installed elsewhere, imported, required, and its types; and the README's lines, run as they stand.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { TARGETS } from "../scripts/targets.mjs";
import { startStore, TEST_KEY } from "./support/store.mjs";

const execute = promisify(execFile);
/** Runs a program; what it printed is part of its failure. */
const run = (program, args, options) =>
  execute(program, args, options).catch((error) => {
    error.message += error.stdout;
    throw error;
  });
const require = createRequire(import.meta.url);
const root = new URL("..", import.meta.url).pathname;
const tsc = join(require.resolve("typescript/package.json"), "..", "bin", "tsc");

let folder, store, env;

before(async () => {
  await run("npm", ["run", "--silent", "pack:all"], { cwd: root });
  // Inside the repository, so that the SDK is found above it; dynaseal is found here first.
  folder = await mkdtemp(join(root, "npm", "try-"));
  await writeFile(join(folder, "package.json"), '{ "private": true }');
  // Offline: the packages of other platforms are optional, and not asked for.
  const tarballs = readdirSync(join(root, "npm"))
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => join(root, "npm", name));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], {
    cwd: folder,
  });
  store = await startStore();
  env = {
    ...process.env,
    ENCRYPTION_KEY: TEST_KEY,
    AWS_ENDPOINT_URL: store.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
  const { DynamoDBClient, CreateTableCommand } = require("@aws-sdk/client-dynamodb");
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  await new DynamoDBClient({ endpoint: store.url, region: "us-east-1", credentials }).send(
    new CreateTableCommand({
      TableName: "Users",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "userId", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "userId", AttributeType: "S" }],
    }),
  );
});

after(async () => {
  await store?.stop();
  if (folder) await rm(folder, { recursive: true });
});

test("the README's lines, as JavaScript and as TypeScript", async () => {
  const lines = /```ts\n(.*?)```/s.exec(await readFile(join(root, "README.md"), "utf8"))[1];
  await writeFile(join(folder, "app.mjs"), lines);
  const { stdout } = await run(process.execPath, ["app.mjs"], { cwd: folder, env });
  assert.match(stdout, /ada@example\.com/);
  await writeFile(join(folder, "app.mts"), lines);
  await run(
    process.execPath,
    [
      tsc,
      "--module",
      "nodenext",
      "--strict",
      "--skipLibCheck",
      "--types",
      "node",
      "--noEmit",
      "--ignoreConfig",
      "app.mts",
    ],
    { cwd: folder },
  );
});

test("import and require give one and the same module", async () => {
  const text = `
    import * as imported from "dynaseal";
    import { createRequire } from "node:module";
    const required = createRequire(import.meta.url)("dynaseal");
    for (const name of ["seal", "Dynaseal", "DynasealError", "defineTable"]) {
      if (typeof imported[name] !== "function" || imported[name] !== required[name]) throw new Error(name);
    }
    for (const entry of ["koa", "egress"]) {
      const part = await import("dynaseal/" + entry);
      const names = createRequire(import.meta.url)("dynaseal/" + entry);
      for (const name of Object.keys(part)) if (part[name] !== names[name]) throw new Error(name);
      if (Object.keys(part).length !== Object.keys(names).length) throw new Error(entry);
    }
    console.log(Object.keys(imported).length);
  `;
  await writeFile(join(folder, "one.mjs"), text);
  assert.equal((await run(process.execPath, ["one.mjs"], { cwd: folder })).stdout.trim(), "4");
});

test("the native module is the platform package's, and its absence is said", async () => {
  const platform = join(folder, "node_modules", "@dynaseal");
  const [name] = readdirSync(platform);
  assert.ok(TARGETS.some((target) => target.name === name));
  await rm(platform, { recursive: true });
  await writeFile(join(folder, "missing.cjs"), 'require("dynaseal");');
  await assert.rejects(run(process.execPath, ["missing.cjs"], { cwd: folder }), (error) => {
    assert.match(error.stderr, new RegExp(`DSL-9007: the package @dynaseal/${name} cannot be loaded`));
    return true;
  });
});

test("every platform has its package named for tools that trace files", async () => {
  const loader = await readFile(join(root, "ts", "native.ts"), "utf8");
  const named = [...loader.matchAll(/require\("@dynaseal\/([^"]+)"\)/g)].map(([, name]) => name);
  assert.deepEqual(named.sort(), TARGETS.map(({ name }) => name).sort());
  const manifest = JSON.parse(await readFile(join(folder, "node_modules", "dynaseal", "package.json"), "utf8"));
  assert.deepEqual(
    Object.keys(manifest.optionalDependencies).sort(),
    TARGETS.map(({ name }) => `@dynaseal/${name}`).sort(),
  );
  assert.ok(
    !("optionalDependencies" in JSON.parse(await readFile(join(root, "package.json"), "utf8"))),
    "packing leaves no trace",
  );
});

test("a release builds every platform", async () => {
  const workflow = await readFile(join(root, "..", "..", ".github", "workflows", "node-release.yml"), "utf8");
  const built = [...workflow.matchAll(/- target: (\S+)/g)].map(([, target]) => target);
  assert.deepEqual(built.sort(), TARGETS.map(({ rust }) => rust).sort());
  assert.ok(workflow.includes(`ls npm/*.tgz | wc -l)" = ${TARGETS.length + 1}`), "and packs each, and the main package");
});

test("types: what may be written compiles, and what may not does not", async () => {
  await run(process.execPath, [tsc, "--project", join(root, "test", "types")]);
});

test("publint and arethetypeswrong have nothing to say", async () => {
  const bin = (name) => join(root, "node_modules", ".bin", name);
  await run(bin("publint"), ["--strict", "--pack", "false", root]);
  const [main] = readdirSync(join(root, "npm")).filter((name) => /^dynaseal-\d/.test(name));
  await run(bin("attw"), [join(root, "npm", main), "--format", "ascii"]);
});
