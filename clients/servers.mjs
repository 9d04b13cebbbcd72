// Programs of this repository that listen on loopback while tests run. For all suites that Node.js runs, so it imports nothing else.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { devNull } from "node:os";
import { join } from "node:path";

export const TEST_KEY = "7e21".repeat(16); // a test key: it protects nothing

/** What these programs find in the environment. */
const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  DYNASEAL_TEST_KEY: TEST_KEY,
};

/** Starts `dynaseal gateway` with the text of its configuration, which is put into the folder, and further arguments. */
export async function startGateway(folder, name, config, ...more) {
  const path = join(folder, `${name}.toml`);
  await writeFile(path, config);
  return startServer(built("DYNASEAL", "dynaseal"), ["gateway", "--config", path, ...more]);
}

/** Starts the KMS for tests with keys of these ARNs, or `ARN=FILE` for one from a private key. */
export function startFakeKms(keys) {
  return startServer(built("FAKE_KMS", "examples/fake_kms"), keys);
}

/** Starts a program and waits for its address. `stop` ends it and gives its exit status and what it printed. */
async function startServer(program, args) {
  // Programs that end with their standard input do so, too, if this process is killed.
  const child = spawn(program, args, { stdio: "pipe", env: { ...process.env, ...ENVIRONMENT } });
  let printed = "";
  const ended = new Promise((resolve) => child.once("close", resolve));
  const url = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      printed += chunk;
      const found = printed.match(/listening.*?127\.0\.0\.1:([1-9]\d*)\D/);
      if (found) resolve(`http://127.0.0.1:${found[1]}`);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    const failed = (how) => reject(new Error(`${program} ${args.join(" ")} did not start${how}:\n${printed}`));
    ended.then(() => failed(""));
    setTimeout(() => failed(" in time"), 15_000).unref();
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    url,
    async stop() {
      child.stdin.end();
      child.kill("SIGTERM");
      return { status: await ended, printed };
    },
  };
}

/** What the variable names, or a build of this repository. */
function built(variable, name) {
  return process.env[variable] ?? new URL(`../target/debug/${name}`, import.meta.url).pathname;
}
