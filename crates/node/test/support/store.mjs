// The DynamoDB of these tests: the `dynaseal gateway` of this repository with its embedded database, protecting nothing; and one
// that protects the same tables in front of it, which stands for any other program that holds the keys.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";

export const TEST_KEY = "7e".repeat(32); // a test key: it protects nothing

const program = process.env.DYNASEAL ?? new URL("../../../../target/debug/dynaseal", import.meta.url).pathname;

/** Starts the store; `stop` ends it and what was put before it, and removes the files. */
export async function startStore() {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-node-"));
  const store = await gateway(folder, "store", '[gateway]\nlisten = "127.0.0.1:0"\nupstream = "embedded"\n');
  const running = [store];
  return {
    url: store.url,
    folder,
    /** A gateway that protects the tables of a dynaseal.toml over the same database; `more` are lines of its own section. */
    async protect(toml, more = "") {
      const section = `\n[gateway]\nlisten = "127.0.0.1:0"\nupstream = "${store.url}"\nregion = "us-east-1"\n${more}`;
      const front = await gateway(folder, "front", toml + section);
      running.unshift(front);
      return front.url;
    },
    async stop() {
      for (const one of running) await one.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function gateway(folder, name, config) {
  const path = join(folder, `${name}.toml`);
  await writeFile(path, config);
  const child = spawn(program, ["gateway", "--config", path], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      DYNASEAL_TEST_KEY: TEST_KEY,
    },
  });
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
    ended.then(() => reject(new Error(`the ${name} did not start:\n${printed}`)));
    setTimeout(() => reject(new Error(`the ${name} did not start in time:\n${printed}`)), 15_000).unref();
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
