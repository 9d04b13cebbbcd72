// The licences of everything that a native module is linked with, for THIRD-PARTY-NOTICES.txt of its package.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { folder } from "./targets.mjs";

/** The crates behind the native module of a target, ours aside, with the texts of their licences. */
export function notices(target) {
  const texts = new Map();
  for (const crate of linked(target)) {
    const found = licenceFiles(dirname(crate.manifest_path));
    if (!crate.license) throw new Error(`${crate.name} ${crate.version} does not say its licence`);
    if (found.length === 0) found.push(`The crate has no text of its own; the licence is ${crate.license}.\n`);
    for (const text of found) texts.set(text, [...(texts.get(text) ?? []), `${crate.name} ${crate.version} (${crate.license})`]);
  }
  const parts = [...texts].map(([text, crates]) => `${RULE}\n${[...new Set(crates)].join("\n")}\n${RULE}\n\n${text.trim()}\n`);
  return [HEAD, ...parts].join("\n\n");
}

/** What is linked: dependencies of dependencies, but no macros, build scripts and tests, and nothing that only other crates here use. */
function linked(target) {
  const tree = ["tree", "--locked", "--package", "dynaseal-node", "--edges", "normal,no-proc-macro", "--target", target.rust];
  const lines = cargo([...tree, "--prefix", "none", "--format", "{p}"]).split("\n");
  const named = new Set(lines.map((line) => /^(\S+ v[0-9]\S*)/.exec(line)?.[1]));
  const { packages } = JSON.parse(cargo(["metadata", "--format-version", "1", "--locked", "--filter-platform", target.rust]));
  // Crates of a registry have a source; ours have none.
  const theirs = packages.filter(({ name, version, source }) => source !== null && named.has(`${name} v${version}`));
  return theirs.sort((one, two) => one.name.localeCompare(two.name) || one.version.localeCompare(two.version));
}

function cargo(args) {
  const { stdout, stderr, status, error } = spawnSync("cargo", args, { cwd: folder, encoding: "utf8", maxBuffer: 1 << 28 });
  if (error) throw error;
  if (status !== 0) throw new Error(`cargo ${args.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Of a crate and of the sources that it brings along, such as AWS-LC's. */
function licenceFiles(crate, depth = 0) {
  const entries = readdirSync(crate, { withFileTypes: true }).sort((one, two) => one.name.localeCompare(two.name));
  const files = entries.filter((entry) => entry.isFile() && LICENCE.test(entry.name)).map(({ name }) => readFileSync(join(crate, name), "utf8"));
  const folders = entries.filter((entry) => entry.isDirectory() && depth < 3 && !/^(tests?|benches|examples|target)$/.test(entry.name));
  return files.concat(folders.flatMap(({ name }) => licenceFiles(join(crate, name), depth + 1)));
}

const LICENCE = /^(licen[cs]e|copying|notice|copyright|unlicense)([-._].*)?$/i;
const RULE = "-".repeat(80);
const HEAD = `This native module is built from Dynaseal, which is licensed under Apache-2.0 or MIT (LICENSE-APACHE, LICENSE-MIT), the
standard library of Rust, under the same, and the following crates.`;
