// The types fit those of Koa, the router, pino, undici and the SDK, in both kinds of modules.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
const file = fileURLToPath(new URL("types/usage.mts", import.meta.url));

test("tsc accepts the usage, and refuses what must be refused", () => {
  const options = ["--ignoreConfig", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "nodenext", "--types", "node"];
  try {
    execFileSync(process.execPath, [tsc, ...options, "--skipLibCheck", file], { encoding: "utf8" });
  } catch ({ stdout }) {
    throw new Error(stdout);
  }
});

test("the package loads with require too, as the same instance", async () => {
  for (const entry of ["koa", "egress"]) {
    const required = require(`dynaseal/${entry}`);
    const imported = await import(`dynaseal/${entry}`);
    for (const name of Object.keys(required)) if (required[name] !== imported[name]) throw new Error(`${entry}: two instances of ${name}`);
  }
});
