// All tests of the package: files that run once, then those of the SDK with each of its versions.
//
// They run on the Node.js that runs this file, and so does what they start, npm included.
//
//   npm test                 what was built by npm run build, or npm run build:debug
//   npm test -- 3.300        with one version of the SDK alone

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { folder } from "./targets.mjs";

const ONCE = [
  "config",
  "names",
  "members",
  "kms",
  "rings",
  "vault",
  "mappers",
  "package",
  ...within("koa"),
  ...within("egress"),
];
const EACH = ["calls", "minimal", "records", "traps", "twice", "interop", "load", "sdktypes"];

const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
const versions = ["newest", ...readdirSync(join(folder, "test", "sdk"))];
const chosen = process.argv.slice(2);

for (const version of versions.filter((version) => chosen.length === 0 || chosen.includes(version))) {
  const sdk = join(folder, "test", "sdk", version);
  if (version !== "newest" && !existsSync(join(sdk, "node_modules"))) {
    run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], {
      cwd: sdk,
      shell: process.platform === "win32",
    });
  }
  const files = version === "newest" ? ONCE.concat(EACH) : EACH;
  console.log(`\n==> Node.js ${process.versions.node}, AWS SDK ${version}`);
  run(
    process.execPath,
    ["--expose-gc", "--test", "--test-timeout=300000", ...files.map((name) => `test/${name}.test.mjs`)],
    {
      env: { ...env, SDK: version },
    },
  );
}

function within(name) {
  const files = readdirSync(join(folder, "test", name)).filter((file) => file.endsWith(".test.mjs"));
  return files.map((file) => join(name, file.slice(0, -".test.mjs".length)));
}

function run(program, args, options) {
  const { status, error } = spawnSync(program, args, {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    ...options,
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
