// Builds everything: the native module with cargo, then JavaScript and types for require() and import.
//
//   npm run build                      the native module optimised, for this machine
//   npm run build -- --debug           not optimised: seconds instead of minutes
//   npm run build -- --debug --shared  the same of what the workspace's tests have built, with the features of all its crates
//   npm run build -- --target TRIPLE   for another platform, with Rust's name for it
//   npm run build -- --js              JavaScript alone

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { parseArgs } from "node:util";
import { binary, byRustName, folder } from "./targets.mjs";

/** The modules of package.json's "exports". */
const ENTRIES = ["index", "koa/index", "egress/index"];

const { values: options } = parseArgs({
  options: { debug: { type: "boolean" }, shared: { type: "boolean" }, js: { type: "boolean" }, target: { type: "string" } },
});

if (!options.js) buildNative();
buildJavaScript();

function buildNative() {
  // An example makes cargo take the features that tests are built with.
  const of = options.shared ? ["--workspace", "--all-features", "--example", "fake_kms"] : ["--package", "dynaseal-node"];
  const args = ["build", ...of, "--lib", "--message-format", "json-render-diagnostics"];
  if (!options.debug) args.push("--profile", "addon");
  if (options.target) args.push("--target", options.target);
  const messages = run("cargo", args, { stdio: ["ignore", "pipe", "inherit"] })
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const artifact = messages.findLast(
    ({ reason, target }) => reason === "compiler-artifact" && target.name === "dynaseal_node" && target.kind.includes("cdylib"),
  );
  const library = artifact.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
  const triple =
    options.target ?? /host: (\S+)/.exec(run("rustc", ["-vV"], { stdio: ["ignore", "pipe", "inherit"] }))[1];
  const to = binary(byRustName(triple));
  // A running process may have the old file open: it keeps it, and the new one takes its place.
  rmSync(to, { force: true });
  copyFileSync(library, to);
}

function buildJavaScript() {
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  const require = createRequire(import.meta.url);
  run(process.execPath, [join(require.resolve("typescript/package.json"), "..", "bin", "tsc"), "--project", folder]);
  for (const entry of ENTRIES) importable(entry);
}

/** For import: a thin module over the one for require(), so that both share one instance. */
function importable(entry) {
  const require = createRequire(import.meta.url);
  const from = posix.relative(posix.dirname(`esm/${entry}`), `cjs/${entry}.js`);
  const names = Object.keys(require(join(folder, "dist", "cjs", `${entry}.js`)));
  const to = join(folder, "dist", "esm", entry);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(`${to}.mjs`, `export { ${names.join(", ")} } from "${from}";\n`);
  writeFileSync(`${to}.d.mts`, `export * from "${from}";\n`);
}

function run(program, args, options = { stdio: ["ignore", "inherit", "inherit"] }) {
  const { status, error, stdout } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    ...options,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}`);
  return stdout ?? "";
}
