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

/** The README's block of lines that imports `from`. */
async function linesWith(from) {
  const blocks = [...(await readFile(join(root, "README.md"), "utf8")).matchAll(/```ts\n(.*?)```/gs)];
  return blocks.map(([, lines]) => lines).find((lines) => lines.includes(`from "${from}"`));
}

async function compiles(file) {
  const options = ["--module", "nodenext", "--strict", "--skipLibCheck", "--types", "node", "--noEmit", "--ignoreConfig"];
  await run(process.execPath, [tsc, ...options, file], { cwd: folder });
}

test("the README's lines, as JavaScript of both kinds and as TypeScript", async () => {
  const lines = await linesWith("dynaseal");
  const required = lines.replaceAll(/^import (\{ .* \}) from (".*");$/gm, "const $1 = require($2);");
  await writeFile(join(folder, "app.mjs"), lines);
  await writeFile(join(folder, "app.cjs"), `(async () => {${required}})();`);
  for (const file of ["app.mjs", "app.cjs"]) {
    const { stdout } = await run(process.execPath, [file], { cwd: folder, env });
    assert.match(stdout, /ada@example\.com/, file);
  }
  await writeFile(join(folder, "app.mts"), lines);
  await compiles("app.mts");
});

test("the README's lines around a Koa service", async () => {
  const lines = await linesWith("dynaseal/koa");
  await writeFile(join(folder, "koa.mts"), lines);
  await compiles("koa.mts");
  const asked = `
    const server = app.listen(0, "127.0.0.1", async () => {
      const to = "http://127.0.0.1:" + server.address().port;
      const ask = async (path, body, headers = { "x-forwarded-proto": "https" }) => {
        const method = body === undefined ? "GET" : "POST";
        const { Agent, request } = await import("undici");
        const answer = await request(to + path, { method, body, headers: { "content-type": "application/json", ...headers }, dispatcher: new Agent() });
        console.log("asked", answer.statusCode, await answer.body.text());
      };
      await ask("/users", "{}", {});
      await ask("/users", JSON.stringify({ userId: "u-1", email: "canary@example.com" }));
      await ask("/users", JSON.stringify({ userId: 1, email: "canary" }));
      await ask("/users", "{");
      await ask("/users", JSON.stringify("x".repeat(70_000)));
      await ask("/nowhere");
      await fetch(to).catch((error) => console.log("fetch", error.cause.code));
      process.exit();
    });`;
  assert.ok(lines.includes("app.listen(8080);"));
  await writeFile(join(folder, "koa.mjs"), lines.replace("app.listen(8080);", asked));
  const { stdout } = await run(process.execPath, ["koa.mjs"], { cwd: folder, env });
  const [told, logged] = [true, false].map((is) => stdout.split("\n").filter((line) => line !== "" && line.startsWith("{") !== is));
  assert.deepEqual(told, [
    'asked 400 {"error":"HTTPS required"}',
    'asked 200 {"userId":"u-1","email":"canary@example.com"}',
    'asked 422 {"error":"Invalid input","fields":["userId","email"]}',
    'asked 400 {"error":"Bad Request"}',
    'asked 413 {"error":"request entity too large"}',
    'asked 404 {"error":"Not Found"}',
    "fetch DSL-9101",
  ]);
  const entries = logged.map((line) => JSON.parse(line));
  assert.deepEqual(entries.filter(({ level }) => level >= 50), []);
  assert.equal(entries.filter(({ level, msg }) => level === 40 && msg.includes("plain HTTP")).length, 1);
  assert.deepEqual(entries.flatMap(({ status }) => status ?? []), [400, 200, 422, 400, 413, 404]);
  assert.ok(!logged.join().includes("canary"));
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

test("what is published says where it is from and under which licences", async () => {
  const packed = { ...process.env, GITHUB_SERVER_URL: "https://github.example", GITHUB_REPOSITORY: "acme/dynaseal" };
  const [name] = TARGETS.map(({ name }) => name).filter((name) => readdirSync(join(root, "npm")).includes(name));
  const platform = join(root, "npm", name);
  const { repository, files, license } = JSON.parse(await readFile(join(platform, "package.json"), "utf8"));
  assert.deepEqual([repository, license], [undefined, "Apache-2.0 OR MIT"], "nobody said where");
  const shipped = JSON.parse((await run("npm", ["pack", "--dry-run", "--json"], { cwd: platform })).stdout)[0].files.map(({ path }) => path);
  for (const file of ["dynaseal.node", "LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-NOTICES.txt"]) {
    assert.ok(files.includes(file) && shipped.includes(file), file);
  }
  const notices = await readFile(join(platform, "THIRD-PARTY-NOTICES.txt"), "utf8");
  for (const crate of ["aws-lc-sys", "aws-lc-rs", "napi", "serde_json", "zeroize"]) assert.match(notices, new RegExp(`^${crate} \\d`, "m"));
  assert.match(notices, /Redistributions of source code must retain|Permission is hereby granted/);
  assert.ok(!notices.includes(root) && !notices.includes("dynaseal-"), "ours are not others'");

  await run(process.execPath, [join(root, "scripts", "platforms.mjs"), "add"], { cwd: root, env: packed });
  try {
    const main = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    assert.deepEqual(main.repository, { type: "git", url: "git+https://github.example/acme/dynaseal.git", directory: "crates/node" });
  } finally {
    await run(process.execPath, [join(root, "scripts", "platforms.mjs"), "remove"], { cwd: root });
  }
  assert.equal(JSON.parse(await readFile(join(root, "package.json"), "utf8")).repository, undefined);
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
