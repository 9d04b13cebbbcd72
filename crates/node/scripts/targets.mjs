// The platforms with a native module, as their packages are named, and how Rust names them.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const TARGETS = [
  { name: "linux-x64-gnu", rust: "x86_64-unknown-linux-gnu", os: "linux", cpu: "x64", libc: "glibc" },
  { name: "linux-x64-musl", rust: "x86_64-unknown-linux-musl", os: "linux", cpu: "x64", libc: "musl" },
  { name: "linux-arm64-gnu", rust: "aarch64-unknown-linux-gnu", os: "linux", cpu: "arm64", libc: "glibc" },
  { name: "linux-arm64-musl", rust: "aarch64-unknown-linux-musl", os: "linux", cpu: "arm64", libc: "musl" },
  { name: "darwin-x64", rust: "x86_64-apple-darwin", os: "darwin", cpu: "x64" },
  { name: "darwin-arm64", rust: "aarch64-apple-darwin", os: "darwin", cpu: "arm64" },
  { name: "win32-x64-msvc", rust: "x86_64-pc-windows-msvc", os: "win32", cpu: "x64" },
];

export const folder = join(dirname(fileURLToPath(import.meta.url)), "..");

export const manifest = () => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The native module of a target, as a build leaves it. */
export const binary = (target) => join(folder, `dynaseal.${target.name}.node`);

export const byRustName = (name) => {
  const target = TARGETS.find((target) => target.rust === name);
  if (!target)
    throw new Error(`no package is planned for ${name}; they are ${TARGETS.map(({ rust }) => rust).join(", ")}`);
  return target;
};
