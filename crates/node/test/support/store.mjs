// The DynamoDB of these tests: the `dynaseal gateway` of this repository with its embedded database, protecting nothing; and others
// that protect the same tables in front of it, which stand for any other program that holds the keys.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway, TEST_KEY } from "../../../../clients/servers.mjs";

export { TEST_KEY };

/** Starts the store; `stop` ends it and what was put before it, and removes the files. */
export async function startStore() {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-node-"));
  const store = await startGateway(folder, "store", 'allow_no_tables = true\n[gateway]\nlisten = "127.0.0.1:0"\nupstream = "embedded"\n');
  const running = [store];
  return {
    url: store.url,
    folder,
    /** A gateway that protects the tables of a dynaseal.toml over the same database; `more` are lines of its own section. */
    async protect(toml, more = "") {
      const section = `\n[gateway]\nlisten = "127.0.0.1:0"\nupstream = "${store.url}"\nregion = "us-east-1"\n${more}`;
      const front = await startGateway(folder, `front ${running.length}`, toml + section);
      running.unshift(front);
      return front.url;
    },
    async stop() {
      for (const one of running) await one.stop();
      await rm(folder, { recursive: true });
    },
  };
}
