// Whether the native module that was built here loads and works: an item is sealed, opened, and refused once it was changed.

import assert from "node:assert/strict";
import { Dynaseal } from "../dist/esm/index.mjs";

const config = {
  keys: { main: { type: "raw-aes", namespace: "try", name: "test key", key_env: "KEY" } },
  tables: { Users: { keys: "main", partition_key: "id", default_action: "encrypt_and_sign" } },
};
const dynaseal = new Dynaseal(config, { env: { KEY: "7e21".repeat(16) } }); // a test key: it protects nothing
const item = { id: { S: "1" }, email: { S: "ada@example.com" } };
const sealed = await dynaseal.sealItem("Users", item);
assert.deepEqual(await dynaseal.openItem("Users", sealed), item);
sealed.email.B[3] ^= 1;
await assert.rejects(dynaseal.openItem("Users", sealed), { kind: "data" });
console.log(`${process.platform}-${process.arch}, Node.js ${process.versions.node}: sealed, opened, and refused once changed`);
