// Libraries that put a model over the document client know nothing of sealing, and need not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Entity as Model, Service } from "electrodb";
import { Entity, item, number, string, Table } from "dynamodb-toolbox";
import { DeleteItemCommand } from "dynamodb-toolbox/entity/actions/delete";
import { GetItemCommand } from "dynamodb-toolbox/entity/actions/get";
import { PutItemCommand } from "dynamodb-toolbox/entity/actions/put";
import { $add, UpdateItemCommand } from "dynamodb-toolbox/entity/actions/update";
import { QueryCommand } from "dynamodb-toolbox/table/actions/query";
import { assertSealed, documents, SECRET } from "./support/harness.mjs";

test("ElectroDB: create, update, conditions, queries, transactions", async () => {
  const Users = new Model(
    {
      model: { entity: "user", service: "app", version: "1" },
      attributes: {
        team: { type: "string", required: true },
        id: { type: "string", required: true },
        email: { type: "string", required: true },
        logins: { type: "number", default: 0 },
      },
      indexes: { primary: { pk: { field: "pk", composite: ["team"] }, sk: { field: "sk", composite: ["id"] } } },
    },
    { client: documents, table: "Entities" },
  );
  const user = (id) => ({ team: "red", id, email: `${SECRET} ${id}` });
  for (const id of ["a", "b", "c"]) await Users.create(user(id)).go();
  const key = { pk: { S: "$app#team_red" }, sk: { S: "$user_1#id_a" } };
  await assertSealed("Entities", key, ["pk", "sk", "__edb_e__", "__edb_v__"], ["team", "id", "email", "logins"]);
  assert.deepEqual((await Users.get({ team: "red", id: "a" }).go()).data, { ...user("a"), logins: 0 });
  await assert.rejects(Users.create(user("a")).go(), /conditional request failed/i);

  const patched = Users.patch({ team: "red", id: "a" })
    .add({ logins: 2 })
    .where(({ email }, { eq }) => eq(email, user("a").email));
  assert.equal((await patched.go({ response: "all_new" })).data.logins, 2);
  const { data } = await Users.query
    .primary({ team: "red" })
    .where(({ email }, { contains }) => contains(email, " b"))
    .go();
  assert.deepEqual(
    data.map(({ id }) => id),
    ["b"],
  );

  const app = new Service({ Users });
  await app.transaction
    .write(({ Users: users }) => [
      users
        .patch({ team: "red", id: "b" })
        .set({ email: `${SECRET} changed` })
        .commit(),
      users.remove({ team: "red", id: "c" }).commit(),
    ])
    .go();
  const left = await Users.query.primary({ team: "red" }).go();
  assert.deepEqual(
    left.data.map(({ id, email }) => [id, email]),
    [
      ["a", user("a").email],
      ["b", `${SECRET} changed`],
    ],
  );
});

test("dynamodb-toolbox: put, get, update, conditions, queries", async () => {
  const table = new Table({
    name: "Entities",
    documentClient: documents,
    partitionKey: { name: "pk", type: "string" },
    sortKey: { name: "sk", type: "string" },
  });
  const pets = new Entity({
    name: "Pet",
    table,
    timestamps: false,
    schema: item({
      owner: string().key().savedAs("pk"),
      pet: string().key().savedAs("sk"),
      chip: string(),
      age: number(),
    }),
  });
  const key = { owner: "toolbox", pet: "rex" };
  await pets
    .build(PutItemCommand)
    .item({ ...key, chip: SECRET, age: 3 })
    .send();
  await assertSealed("Entities", { pk: { S: "toolbox" }, sk: { S: "rex" } }, ["pk", "sk", "_et"], ["chip", "age"]);
  await pets
    .build(UpdateItemCommand)
    .item({ ...key, age: $add(1) })
    .options({ condition: { attr: "chip", eq: SECRET } })
    .send();
  const { Item } = await pets.build(GetItemCommand).key(key).send();
  assert.deepEqual([Item.chip, Item.age], [SECRET, 4]);
  const { Items } = await table.build(QueryCommand).entities(pets).query({ partition: "toolbox" }).send();
  assert.equal(Items[0].chip, SECRET);
  const kept = pets
    .build(DeleteItemCommand)
    .key(key)
    .options({ condition: { attr: "age", gt: 10 } });
  await assert.rejects(kept.send(), { name: "ConditionalCheckFailedException" });
});
