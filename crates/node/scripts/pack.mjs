// Packs dynaseal and the platform packages that were built here, into npm/: install both tarballs to try a build elsewhere.
//
//   npm run build && npm run pack:all
//   npm install crates/node/npm/dynaseal-*.tgz

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { folder } from "./targets.mjs";
import { writePlatforms } from "./platforms.mjs";

const platforms = writePlatforms();
if (platforms.length === 0) throw new Error("no native module was built: npm run build");
for (const from of [...platforms, folder]) {
  const { status, error } = spawnSync(
    "npm",
    ["pack", "--pack-destination", join(folder, "npm"), "--loglevel", "error"],
    {
      cwd: from,
      stdio: ["ignore", "inherit", "inherit"],
      shell: process.platform === "win32",
    },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`npm pack in ${from} ended with ${status}`);
}
