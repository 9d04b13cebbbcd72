// Our types beside those of the SDK's version under test, strictly: types/sdk.cts says what must fit and what must not.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { version } from "./support/sdk.mjs";

const require = createRequire(import.meta.url);
const tsc = join(require.resolve("typescript/package.json"), "..", "bin", "tsc");
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

test("items of the SDK are items of ours, and the other way round", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-types-"));
  t.after(() => rm(folder, { recursive: true }));
  const packages = version === "newest" ? "../node_modules/@aws-sdk/*" : `./sdk/${version}/node_modules/@aws-sdk/*`;
  const compilerOptions = {
    target: "es2022", module: "nodenext", strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true,
    // The SDK's own declarations are not ours to mend.
    skipLibCheck: true, noEmit: true, types: ["node"], typeRoots: [path("../node_modules/@types")],
    paths: { "@aws-sdk/*": [path(packages)] },
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [path("types/sdk.cts")] }));
  await promisify(execFile)(process.execPath, [tsc, "--project", folder]).catch(({ message, stdout }) => {
    throw new Error(`${message}\n${stdout}`);
  });
});
