// The published package names the packages of all platforms as optional dependencies; npm installs the one that fits. In the
// repository they are not named, since a build here has its native module beside it.
//
//   node scripts/platforms.mjs add      before npm pack and npm publish, which run it by themselves
//   node scripts/platforms.mjs remove   after them
//   node scripts/platforms.mjs write    npm/NAME/ for every target whose native module was built; with the licences of its crates

import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notices } from "./notices.mjs";
import { binary, folder, manifest, TARGETS } from "./targets.mjs";

const packageName = (target) => `@dynaseal/${target.name}`;

/** Writes the platform packages that can be made here, and returns their folders. */
export function writePlatforms() {
  const { version, license, engines } = manifest();
  rmSync(join(folder, "npm"), { recursive: true, force: true });
  return TARGETS.filter((target) => existsSync(binary(target))).map((target) => {
    const to = join(folder, "npm", target.name);
    mkdirSync(to, { recursive: true });
    copyFileSync(binary(target), join(to, "dynaseal.node"));
    for (const name of LICENCES) copyFileSync(join(root, name), join(to, name));
    writeFileSync(join(to, NOTICES), notices(target));
    write(join(to, "package.json"), {
      name: packageName(target),
      version,
      description: `The native module of dynaseal for ${target.rust}.`,
      license,
      ...repository(),
      main: "dynaseal.node",
      files: ["dynaseal.node", ...LICENCES, NOTICES],
      // As wide as the main package's: npm skips an optional dependency whose engines do not fit, without a word.
      engines,
      os: [target.os],
      cpu: [target.cpu],
      ...(target.libc && { libc: [target.libc] }),
    });
    return to;
  });
}

function setPlatforms(named) {
  for (const name of LICENCES) {
    if (named) copyFileSync(join(root, name), join(folder, name));
    else rmSync(join(folder, name), { force: true });
  }
  const { optionalDependencies: _, repository: __, ...rest } = manifest();
  const optional = Object.fromEntries(TARGETS.map((target) => [packageName(target), rest.version]));
  write(join(folder, "package.json"), named ? { ...rest, ...repository(), optionalDependencies: optional } : rest);
}

/**
 * Where the package is built from, which npm compares with what the builder states (provenance). A release is built by the
 * workflow of whatever repository holds it, which says so in the environment; elsewhere nothing is said.
 */
function repository() {
  const { GITHUB_SERVER_URL: server = "https://github.com", GITHUB_REPOSITORY: name } = process.env;
  return name ? { repository: { type: "git", url: `git+${server}/${name}.git`, directory: "crates/node" } } : {};
}

const LICENCES = ["LICENSE-APACHE", "LICENSE-MIT"];
const NOTICES = "THIRD-PARTY-NOTICES.txt";
const root = join(folder, "..", "..");
const write = (path, json) => writeFileSync(path, `${JSON.stringify(json, null, 2)}\n`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const act = process.argv[2];
  if (act === "add") setPlatforms(true);
  else if (act === "remove") setPlatforms(false);
  else if (act === "write") writePlatforms();
  else throw new Error("say add, remove or write");
}
