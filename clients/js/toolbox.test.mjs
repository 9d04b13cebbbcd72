// dynamodb-toolbox through the gateway: two entities in one table, with every attribute encrypted that is not a key.

import assert from "node:assert/strict";
import { ConditionalCheckFailedException, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import {
  $add, $append, $delete, $get, $prepend, $remove, $set, $subtract, $sum, any, BatchDeleteRequest, BatchGetCommand,
  BatchGetRequest, BatchPutRequest, BatchWriteCommand, binary, boolean, ConditionCheck, DeleteItemCommand,
  DeletePartitionCommand, DeleteTransaction, Entity, executeBatchGet, executeBatchWrite, executeTransactGet,
  executeTransactWrite, GetItemCommand, GetTransaction, item, isConditionCheckFailed, list, map, number, PutItemCommand,
  PutTransaction, QueryCommand, record, ScanCommand, set, string, Table, UpdateAttributesCommand, UpdateItemCommand,
  UpdateTransaction,
} from "dynamodb-toolbox";
import { documents, SECRET } from "./orders.mjs";
import { assertSealed, onBoth } from "./models.mjs";

const sortable = (number) => String(number).padStart(4, "0");

/** A key of an index, made of other attributes. */
const derived = (derive) => string().optional().hidden().putLink(derive).updateLink(derive);

const ACCOUNT = item({
  account: string().key(),
  owner: string(),
  balance: number().default(0),
});

const PAYMENT = item({
  account: string().key(),
  number: number().key(),
  state: string().enum("due", "paid"),
  payee: string(),
  amount: number(),
  paid: boolean().optional(),
  photo: binary().optional(),
  labels: set(string()).optional(),
  lines: list(map({ text: string(), amount: number().optional() })).optional(),
  bank: map({ iban: string(), branch: map({ city: string(), floor: number().optional() }).optional() }).optional(),
  notes: record(string(), string()).optional(),
  extra: any().optional(),
}).and(() => ({
  gsi1pk: derived(({ account, state }) => state && `${account}#${state}`),
  gsi1sk: derived(({ number }) => sortable(number)),
  gsi2pk: derived(({ account }) => account),
  gsi2sk: derived(({ number }) => sortable(number)),
}));

const model = (name) => {
  const key = (name) => ({ name, type: "string" });
  const index = (name) => ({ type: "global", partitionKey: key(`${name}pk`), sortKey: key(`${name}sk`) });
  const table = new Table({
    name,
    documentClient: documents,
    partitionKey: key("pk"),
    sortKey: key("sk"),
    indexes: { gsi1: index("gsi1"), gsi2: index("gsi2") },
  });
  const account = new Entity({
    name: "account",
    table,
    schema: ACCOUNT,
    computeKey: ({ account }) => ({ pk: `ACCOUNT#${account}`, sk: "ACCOUNT" }),
  });
  const payment = new Entity({
    name: "payment",
    table,
    schema: PAYMENT,
    computeKey: ({ account, number }) => ({ pk: `ACCOUNT#${account}`, sk: `PAYMENT#${sortable(number)}` }),
  });
  return { table, account, payment };
};

const accountOf = (account, more = {}) => ({ account, owner: `${SECRET} ${account}`, balance: 100, ...more });
const paymentOf = (account, number, more = {}) =>
  ({ account, number, state: "due", payee: `${SECRET} ${number}`, amount: number * 10, ...more });

/** What a read shows, without the times that the library keeps. */
const shown = (item) => {
  if (item === undefined) return item;
  const { created, modified, ...rest } = item;
  for (const time of [created, modified]) assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  return rest;
};

const put = (entity, item, options = {}) => entity.build(PutItemCommand).item(item).options(options).send();
const get = async (entity, key, options = {}) =>
  shown((await entity.build(GetItemCommand).key(key).options(options).send()).Item);
const update = (entity, item, options = {}) => entity.build(UpdateItemCommand).item(item).options(options).send();

/** A condition that did not hold, with the item that the library formats for it. */
const failedCondition = (entity, item) => (error) => {
  assert.ok(error instanceof ConditionalCheckFailedException);
  assert.equal(error.message, "The conditional request failed");
  assert.ok(isConditionCheckFailed(error, entity));
  assert.deepEqual(shown(error.FormattedItem), item);
  return true;
};

onBoth("dynamodb-toolbox: put, create and get", async (table) => {
  const { account, payment } = model(table);
  const key = { account: "put", number: 1 };
  const item = paymentOf("put", 1, {
    paid: false,
    photo: new Uint8Array([0, 255, 7]),
    labels: new Set(["a", SECRET]),
    lines: [{ text: SECRET, amount: 1.5 }, { text: "" }],
    bank: { iban: SECRET, branch: { city: SECRET, floor: -1 } },
    notes: { "Ünïcode 😀": SECRET, "with.dot": "x" },
    extra: [1, null, { deep: [] }],
  });
  await put(payment, item);
  assert.deepEqual(await get(payment, key, { consistent: true }), item);
  const { Item } = await payment.build(GetItemCommand).key(key)
    .options({ attributes: ["payee", "bank.branch.city", "lines[0].text"] }).send();
  assert.deepEqual(Item, { payee: item.payee, bank: { branch: { city: SECRET } }, lines: [{ text: SECRET }] });
  assert.equal(await get(payment, { ...key, number: 404 }), undefined);

  const once = { condition: { attr: "account", exists: false }, returnValuesOnConditionFalse: "ALL_OLD" };
  await assert.rejects(put(payment, { ...item, payee: "other" }, once), failedCondition(payment, item));
  await put(account, accountOf("put"), once);
  const old = await put(account, accountOf("put", { balance: 0 }), { returnValues: "ALL_OLD" });
  assert.deepEqual(shown(old.Attributes), accountOf("put"));
});

onBoth("dynamodb-toolbox: what is stored is sealed, its own attributes included", async (table) => {
  const { payment } = model(table);
  const key = { pk: "ACCOUNT#stored", sk: "PAYMENT#0001" };
  const names = ["account", "number", "state", "payee", "amount", "labels", "_et", "_ct", "_md"];
  await put(payment, paymentOf("stored", 1, { labels: new Set([SECRET]) }));
  await assertSealed(table, key, names);
  await update(payment, { account: "stored", number: 1, state: "paid", extra: SECRET });
  await assertSealed(table, key, [...names, "extra"]);
});

onBoth("dynamodb-toolbox: update with every action", async (table) => {
  const { payment } = model(table);
  const key = { account: "update", number: 1 };
  const item = paymentOf("update", 1, {
    paid: true,
    labels: new Set(["a", "b", "c"]),
    lines: [{ text: "one", amount: 1 }, { text: "two" }],
    bank: { iban: SECRET, branch: { city: "Rome", floor: 1 } },
    notes: { keep: "kept", drop: "dropped" },
    extra: "gone soon",
  });
  await put(payment, item);
  const { Attributes } = await update(payment, {
    ...key,
    state: "paid",
    payee: `${SECRET} new`,
    amount: $add(2.5),
    paid: $remove(),
    extra: $remove(),
    labels: $delete(new Set(["a", "none"])),
    lines: $append([{ text: SECRET }]),
    bank: { branch: { city: SECRET, floor: $subtract($get("bank.branch.floor"), 3) } },
    notes: { drop: $remove(), "new": SECRET },
  }, { returnValues: "ALL_NEW" });
  const { paid, extra, ...kept } = item;
  const expected = {
    ...kept,
    state: "paid",
    payee: `${SECRET} new`,
    amount: 12.5,
    labels: new Set(["b", "c"]),
    lines: [...item.lines, { text: SECRET }],
    bank: { iban: SECRET, branch: { city: SECRET, floor: -2 } },
    notes: { keep: "kept", new: SECRET },
  };
  assert.deepEqual(shown(Attributes), expected);
  assert.deepEqual(await get(payment, key), expected);

  await update(payment, {
    ...key,
    labels: $add(new Set(["d"])),
    lines: $prepend([{ text: "zero" }]),
    bank: $set({ iban: "x" }),
  });
  await update(payment, {
    ...key,
    lines: { 0: { amount: 7 }, 1: $remove() },
    amount: $sum($get("amount"), $get("lines[1].amount", 5)),
    payee: $get("bank.iban"),
  });
  assert.deepEqual(await get(payment, key), {
    ...expected,
    payee: "x",
    amount: 13.5,
    labels: new Set(["b", "c", "d"]),
    lines: [{ text: "zero", amount: 7 }, { text: "two" }, { text: SECRET }],
    bank: { iban: "x" },
  });
  const old = await update(payment, { ...key, bank: { iban: SECRET } }, { returnValues: "UPDATED_OLD" });
  assert.deepEqual(old.Attributes.bank, { iban: "x" });
  await payment.build(UpdateAttributesCommand).item({ ...key, bank: { iban: SECRET, branch: { city: "Bern" } } }).send();
  assert.deepEqual((await get(payment, key)).bank, { iban: SECRET, branch: { city: "Bern" } });
});

onBoth("dynamodb-toolbox: an update creates what is not there", async (table) => {
  const { payment } = model(table);
  const { Attributes } = await update(
    payment,
    { ...paymentOf("upsert", 1), amount: $add(3), lines: $append([{ text: SECRET }]), labels: $add(new Set(["a"])) },
    { returnValues: "ALL_NEW" },
  );
  const expected = paymentOf("upsert", 1, { amount: 3, lines: [{ text: SECRET }], labels: new Set(["a"]) });
  assert.deepEqual(shown(Attributes), expected);
  assert.deepEqual(await get(payment, { account: "upsert", number: 1 }), expected);
  const other = { account: "upsert", number: 2 };
  const old = await update(payment, { ...other, payee: SECRET, amount: $sum(1, 2) }, { returnValues: "UPDATED_OLD" });
  assert.equal(old.Attributes, undefined);
});

onBoth("dynamodb-toolbox: conditions on encrypted attributes", async (table) => {
  const { payment } = model(table);
  const key = { account: "condition", number: 2 };
  const item = paymentOf("condition", 2, { labels: new Set(["a", "b"]), bank: { iban: SECRET, branch: { city: "Rome" } } });
  await put(payment, item);
  const holds = {
    and: [
      { attr: "payee", beginsWith: SECRET },
      { or: [{ attr: "amount", between: [15, 20] }, { attr: "state", eq: "paid" }] },
      { attr: "labels", contains: "b" },
      { attr: "bank.branch.city", in: ["Bern", "Rome"] },
      { not: { attr: "paid", exists: true } },
      { size: "labels", eq: 2 },
      { attr: "bank", type: "M" },
      { attr: "entity", eq: "payment" },
    ],
  };
  const fails = { and: [...holds.and, { attr: "amount", gt: 20 }] };
  const changes = [
    (options) => put(payment, { ...item, payee: "put" }, options),
    (options) => update(payment, { ...key, amount: $add(1) }, options),
    (options) => payment.build(DeleteItemCommand).key(key).options(options).send(),
  ];
  const show = { returnValuesOnConditionFalse: "ALL_OLD" };
  for (const change of changes) {
    await assert.rejects(change({ condition: fails, ...show }), failedCondition(payment, item));
    await assert.rejects(change({ condition: fails }), failedCondition(payment, undefined));
  }
  assert.deepEqual(await get(payment, key), item);
  for (const change of changes) {
    await put(payment, item);
    const { Attributes } = await change({ condition: holds, returnValues: "ALL_OLD" });
    assert.deepEqual(shown(Attributes), item);
  }
  assert.equal(await get(payment, key), undefined);
  await assert.rejects(changes[2]({ condition: holds, ...show }), failedCondition(payment, undefined));
});

onBoth("dynamodb-toolbox: query by key and by index, with filters on encrypted attributes", async (name) => {
  const { table, account, payment } = model(name);
  const payments = Array.from({ length: 9 }, (_, number) =>
    paymentOf("query", number, { state: number % 3 ? "due" : "paid", bank: { iban: `${SECRET} ${number % 2}` } }));
  for (const item of payments) await put(payment, item);
  await put(account, accountOf("query"));
  const those = (test) => payments.filter(({ number }) => test(number));
  const query = (entities, query, options = {}) =>
    table.build(QueryCommand).entities(...entities).query(query).options(options).send();
  const found = async (...call) => (await query(...call)).Items.map(shown);
  const partition = "ACCOUNT#query";

  // Entities are told apart by an attribute that is encrypted.
  assert.deepEqual(await found([payment], { partition }), payments);
  assert.deepEqual(await found([account, payment], { partition }), [accountOf("query"), ...payments]);
  assert.deepEqual(
    await found([payment], { partition, range: { between: ["PAYMENT#0002", "PAYMENT#0004"] } }, { reverse: true }),
    those((number) => number >= 2 && number <= 4).reverse(),
  );
  const odd = { attr: "bank.iban", eq: `${SECRET} 1` };
  const high = { or: [{ attr: "amount", gte: 50 }, { attr: "payee", beginsWith: `${SECRET} 1` }] };
  assert.deepEqual(
    await found([account, payment], { partition }, {
      filters: { payment: { and: [odd, high] }, account: { attr: "balance", gt: 1 } },
    }),
    [accountOf("query"), ...those((number) => [1, 5, 7].includes(number))],
  );
  assert.deepEqual(
    await found([payment], { index: "gsi1", partition: "query#due" }, { filters: { payment: odd } }),
    those((number) => number % 3 && number % 2),
  );
  const parts = { attributes: ["payee", "bank.iban"], limit: 2 };
  const { Items } = await query([payment], { index: "gsi1", partition: "query#paid" }, parts);
  assert.deepEqual(Items, those((number) => number === 0 || number === 3).map(({ payee, bank }) => ({ payee, bank })));
  // An index of keys alone gives keys alone.
  const keys = await table.build(QueryCommand).query({ index: "gsi2", partition: "query", range: { lt: "0002" } }).send();
  assert.deepEqual(keys.Items, [0, 1].map((number) => ({
    pk: partition,
    sk: `PAYMENT#000${number}`,
    gsi2pk: "query",
    gsi2sk: `000${number}`,
  })));
  const counts = [];
  const filters = [
    { attr: "payee", exists: false },
    { attr: "payee", beginsWith: SECRET },
    { attr: "sk", gt: "PAYMENT#0006" },
  ];
  for (const filter of filters) {
    const page = await query([], { index: "gsi2", partition: "query" }, { filter, select: "COUNT" });
    counts.push([page.Count, page.ScannedCount]);
  }
  assert.deepEqual(counts, [[9, 9], [0, 9], [2, 9]]);

  const counted = await query([payment], { partition }, { select: "COUNT", filters: { payment: odd } });
  assert.deepEqual([counted.Count, counted.ScannedCount], [4, 10]);
  const pages = [];
  for (let exclusiveStartKey; pages.length === 0 || exclusiveStartKey;) {
    const page = await query([payment], { partition }, { limit: 4, exclusiveStartKey, filters: { payment: odd } });
    pages.push(page.Items.map((item) => item.number));
    exclusiveStartKey = page.LastEvaluatedKey;
  }
  assert.deepEqual(pages, [[1], [3, 5], [7]]);
  assert.deepEqual(await found([payment], { partition }, { limit: 2, maxPages: 10 }), payments);
});

onBoth("dynamodb-toolbox: scan", async (name) => {
  const { table, account, payment } = model(name);
  for (const number of [1, 2, 3]) await put(payment, paymentOf("scan", number));
  await put(account, accountOf("scan"));
  const { Items } = await table.build(ScanCommand).entities(account, payment).options({
    maxPages: 10,
    filters: {
      account: { attr: "owner", eq: `${SECRET} scan` },
      payment: { and: [{ attr: "account", eq: "scan" }, { attr: "amount", gt: 10 }] },
    },
  }).send();
  const items = Items.map(shown).sort((one, two) => (one.number ?? 0) - (two.number ?? 0));
  assert.deepEqual(items, [accountOf("scan"), paymentOf("scan", 2), paymentOf("scan", 3)]);
});

onBoth("dynamodb-toolbox: batches", async (name) => {
  const { table, account, payment } = model(name);
  const payments = Array.from({ length: 20 }, (_, number) => paymentOf("batch", number));
  const write = (...requests) => executeBatchWrite(table.build(BatchWriteCommand).requests(...requests));
  const puts = payments.map((item) => payment.build(BatchPutRequest).item(item));
  await write(account.build(BatchPutRequest).item(accountOf("batch")), ...puts);
  await write(...payments.slice(1, 19).map((item) => payment.build(BatchDeleteRequest).key(item)));
  const { Responses } = await executeBatchGet(table.build(BatchGetCommand).requests(
    account.build(BatchGetRequest).key({ account: "batch" }),
    ...[0, 1, 19].map((number) => payment.build(BatchGetRequest).key({ account: "batch", number })),
  ));
  assert.deepEqual(Responses[0].map(shown), [accountOf("batch"), payments[0], undefined, payments[19]]);
  await table.build(DeletePartitionCommand).entities(account, payment).query({ partition: "ACCOUNT#batch" }).send();
  assert.equal(await get(account, { account: "batch" }), undefined);
});

onBoth("dynamodb-toolbox: transactions", async (name) => {
  const { account, payment } = model(name);
  await put(account, accountOf("transact"));
  for (const number of [1, 2, 3, 4]) await put(payment, paymentOf("transact", number));
  const key = (number) => ({ account: "transact", number });
  const write = (payee) =>
    executeTransactWrite(
      account.build(UpdateTransaction).item({ account: "transact", balance: $subtract($get("balance"), 10) })
        .options({ condition: { attr: "balance", gte: 10 } }),
      payment.build(UpdateTransaction).item({ ...key(1), state: "paid", payee: `${SECRET} new` }),
      payment.build(ConditionCheck).key(key(2)).condition({ attr: "payee", eq: payee })
        .options({ returnValuesOnConditionFalse: "ALL_OLD" }),
      payment.build(DeleteTransaction).key(key(3)).options({ condition: { attr: "amount", gt: 20 } }),
      payment.build(PutTransaction).item(paymentOf("transact", 4, { paid: true }))
        .options({ condition: { attr: "amount", eq: 40 } }),
      payment.build(PutTransaction).item(paymentOf("transact", 5))
        .options({ condition: { attr: "account", exists: false } }),
    );
  await assert.rejects(write(SECRET), (error) => {
    assert.ok(error instanceof TransactionCanceledException);
    assert.deepEqual(
      error.CancellationReasons.map(({ Code }) => Code),
      ["None", "None", "ConditionalCheckFailed", "None", "None", "None"],
    );
    assert.deepEqual(error.CancellationReasons[2].Item.payee, { S: `${SECRET} 2` });
    return true;
  });
  assert.deepEqual(await get(account, key(0)), accountOf("transact"));

  await write(`${SECRET} 2`);
  const { Responses } = await executeTransactGet(
    account.build(GetTransaction).key({ account: "transact" }),
    ...[1, 2, 3, 4, 5].map((number) => payment.build(GetTransaction).key(key(number))),
  );
  assert.deepEqual(Responses.map(({ Item }) => shown(Item)), [
    accountOf("transact", { balance: 90 }),
    paymentOf("transact", 1, { state: "paid", payee: `${SECRET} new` }),
    paymentOf("transact", 2),
    undefined,
    paymentOf("transact", 4, { paid: true }),
    paymentOf("transact", 5),
  ]);
});
