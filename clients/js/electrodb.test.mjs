// ElectroDB through the gateway: entities of a service in one table, with every attribute encrypted that is not a key.

import assert from "node:assert/strict";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { ElectroError, Entity, Service } from "electrodb";
import { documents, SECRET } from "./orders.mjs";
import { assertSealed, onBoth } from "./models.mjs";

const TICKET = {
  model: { entity: "ticket", version: "1", service: "desk" },
  attributes: {
    team: { type: "string", required: true },
    id: { type: "string", required: true },
    assignee: { type: "string", required: true },
    state: { type: ["open", "waiting", "closed"], required: true, default: "open" },
    title: { type: "string", required: true },
    priority: { type: "number" },
    minutes: { type: "number", default: 0 },
    urgent: { type: "boolean" },
    labels: { type: "set", items: "string" },
    history: {
      type: "list",
      items: { type: "map", properties: { by: { type: "string" }, what: { type: "string" } } },
    },
    caller: {
      type: "map",
      properties: {
        name: { type: "string" },
        address: { type: "map", properties: { city: { type: "string" }, floor: { type: "number" } } },
      },
    },
    extra: { type: "any" },
  },
  indexes: {
    ticket: { pk: { field: "pk", composite: ["team"] }, sk: { field: "sk", composite: ["id"] } },
    assigned: {
      index: "gsi1",
      collection: "work",
      pk: { field: "gsi1pk", composite: ["assignee"] },
      sk: { field: "gsi1sk", composite: ["state", "id"] },
    },
    // This index projects keys alone.
    byState: {
      index: "gsi2",
      pk: { field: "gsi2pk", composite: ["state"] },
      sk: { field: "gsi2sk", composite: ["team", "id"] },
    },
  },
};

const COMMENT = {
  model: { entity: "comment", version: "1", service: "desk" },
  attributes: {
    team: { type: "string", required: true },
    id: { type: "string", required: true },
    number: { type: "number", required: true, padding: { length: 4, char: "0" } },
    assignee: { type: "string", required: true },
    text: { type: "string", required: true },
  },
  indexes: {
    comment: { pk: { field: "pk", composite: ["team", "id"] }, sk: { field: "sk", composite: ["number"] } },
    assigned: {
      index: "gsi1",
      collection: "work",
      pk: { field: "gsi1pk", composite: ["assignee"] },
      sk: { field: "gsi1sk", composite: ["id", "number"] },
    },
  },
};

const model = (table) => {
  const config = { table, client: documents };
  const [ticket, comment] = [new Entity(TICKET, config), new Entity(COMMENT, config)];
  return { ticket, comment, desk: new Service({ ticket, comment }, config) };
};

const ticketOf = (team, number, more = {}) => ({
  team,
  id: `t-${number}`,
  assignee: `${team}-ada`,
  state: "open",
  title: `${SECRET} ${number}`,
  priority: number,
  minutes: 0,
  ...more,
});

const commentOf = (team, number) =>
  ({ team, id: "t-1", number, assignee: `${team}-ada`, text: `${SECRET} comment ${number}` });

/** A condition that did not hold, as ElectroDB tells it. */
const failedCondition = (error) => {
  assert.ok(error instanceof ElectroError);
  assert.equal(error.code, 4001);
  assert.ok(error.cause instanceof ConditionalCheckFailedException);
  assert.match(error.message, /"The conditional request failed"/);
  return true;
};

onBoth("ElectroDB: put, create and get", async (table) => {
  const { ticket } = model(table);
  const item = ticketOf("put", 1, {
    urgent: true,
    labels: ["a", SECRET],
    history: [{ by: "ada", what: SECRET }],
    caller: { name: SECRET, address: { city: SECRET, floor: -1.5 } },
    extra: { deep: [1, null, { x: SECRET }] },
  });
  assert.deepEqual((await ticket.put(item).go()).data, item);
  const key = { team: "put", id: "t-1" };
  assert.deepEqual((await ticket.get(key).go()).data, item);
  const part = await ticket.get(key).go({ attributes: ["title", "caller"] });
  assert.deepEqual(part.data, { title: item.title, caller: item.caller });
  assert.equal((await ticket.get({ ...key, id: "none" }).go()).data, null);

  await assert.rejects(ticket.create({ ...item, title: "other" }).go(), failedCondition);
  const second = ticketOf("put", 2);
  assert.deepEqual((await ticket.create(second).go()).data, second);
  assert.deepEqual((await ticket.get({ ...key, id: "t-2" }).go()).data, second);
});

onBoth("ElectroDB: what is stored is sealed, its own attributes included", async (table) => {
  const { ticket, comment } = model(table);
  const key = { pk: "$desk#team_stored", sk: "$ticket_1#id_t-1" };
  await ticket.put(ticketOf("stored", 1, { labels: [SECRET] })).go();
  const names = ["team", "id", "assignee", "state", "title", "priority", "minutes", "labels", "__edb_e__", "__edb_v__"];
  await assertSealed(table, key, names);
  await ticket.patch({ team: "stored", id: "t-1" }).set({ state: "closed", extra: SECRET }).go();
  await assertSealed(table, key, [...names, "extra"]);
  await comment.upsert(commentOf("stored", 3)).go();
  await assertSealed(
    table,
    { pk: "$desk#team_stored#id_t-1", sk: "$comment_1#number_0003" },
    ["team", "id", "number", "assignee", "text", "__edb_e__", "__edb_v__"],
  );
});

onBoth("ElectroDB: patch with every action", async (table) => {
  const { ticket } = model(table);
  const key = { team: "patch", id: "t-1" };
  await assert.rejects(ticket.patch(key).set({ title: "none" }).go(), failedCondition);
  assert.equal((await ticket.get(key).go()).data, null);

  const item = ticketOf("patch", 1, {
    urgent: true,
    labels: ["a", "b", "c"],
    history: [{ by: "ada", what: "opened" }],
    caller: { name: "eve", address: { city: "Rome", floor: 1 } },
    extra: "gone soon",
  });
  await ticket.put(item).go();
  const { data } = await ticket.patch(key)
    .set({ title: `${SECRET} new`, "caller.address.city": SECRET })
    .add({ minutes: 12.5, labels: ["d"] })
    .subtract({ priority: 3 })
    .append({ history: [{ by: "bob", what: SECRET }] })
    .remove(["extra", "urgent"])
    .go({ response: "all_new" });
  const { extra, urgent, ...kept } = item;
  const expected = {
    ...kept,
    title: `${SECRET} new`,
    minutes: 12.5,
    priority: -2,
    labels: ["a", "b", "c", "d"],
    history: [...item.history, { by: "bob", what: SECRET }],
    caller: { name: "eve", address: { city: SECRET, floor: 1 } },
  };
  assert.deepEqual(sorted(data), expected);
  assert.deepEqual(sorted((await ticket.get(key).go()).data), expected);

  await ticket.patch(key).delete({ labels: ["a", "c", "none"] }).go();
  await ticket.patch(key).set({ "history[0].what": "changed" }).go();
  const old = await ticket.patch(key).set({ "caller.address.floor": 2 }).go({ response: "updated_old" });
  assert.deepEqual(old.data, { ...key, caller: { address: { floor: 1 } } });
  const now = await ticket.get(key).go();
  assert.deepEqual(sorted(now.data), {
    ...expected,
    labels: ["b", "d"],
    history: [{ by: "ada", what: "changed" }, expected.history[1]],
    caller: { name: "eve", address: { city: SECRET, floor: 2 } },
  });
});

onBoth("ElectroDB: update with functions of other attributes, which creates the item where there is none", async (table) => {
  const { ticket } = model(table);
  const key = { team: "update", id: "t-1" };
  await ticket.put(ticketOf("update", 1, { caller: { name: SECRET } })).go();
  const { data } = await ticket.update(key)
    .data((attribute, operation) => {
      operation.set(attribute.extra, operation.name(attribute.caller.name));
      operation.add(attribute.minutes, operation.name(attribute.priority));
      operation.ifNotExists(attribute.title, "another");
      operation.ifNotExists(attribute.labels, ["first"]);
      operation.append(attribute.history, [{ what: SECRET }]);
    })
    .go({ response: "updated_new" });
  assert.deepEqual(data, {
    ...key,
    extra: SECRET,
    minutes: 1,
    title: `${SECRET} 1`,
    labels: ["first"],
    history: [{ what: SECRET }],
  });

  const other = { team: "update", id: "t-2" };
  const created = await ticket.update(other).set({ title: SECRET }).add({ minutes: 3 }).go({ response: "all_new" });
  assert.deepEqual(created.data, { ...other, title: SECRET, minutes: 3 });
  assert.deepEqual((await ticket.get(other).go()).data, created.data);
});

onBoth("ElectroDB: conditions on encrypted attributes", async (table) => {
  const { ticket } = model(table);
  const key = { team: "where", id: "t-1" };
  const item = ticketOf("where", 1, { labels: ["a", "b"], caller: { name: SECRET, address: { floor: 2 } } });
  await ticket.put(item).go();

  const holds = ({ title, priority, labels, caller, urgent, state }, is) =>
    [
      is.begins(title, SECRET),
      is.between(priority, 0, 1),
      is.contains(labels, "b"),
      is.gt(caller.address.floor, 1),
      is.notExists(urgent),
      `NOT ${is.eq(state, "closed")}`,
      `${is.size(labels)} = ${is.escape(2)}`,
    ].join(" AND ");
  const fails = ({ title }, { eq }) => eq(title, `${SECRET} 2`);
  const changes = [
    (condition) => ticket.patch(key).set({ urgent: true }).where(condition),
    (condition) => ticket.update(key).add({ minutes: 1 }).where(condition),
    (condition) => ticket.put({ ...item, title: "put" }).where(condition),
    (condition) => ticket.upsert({ ...item, title: "upsert" }).where(condition),
    (condition) => ticket.delete(key).where(condition),
    (condition) => ticket.remove(key).where(condition),
  ];
  for (const change of changes) await assert.rejects(change(fails).go(), failedCondition);
  assert.deepEqual((await ticket.get(key).go()).data, item);

  for (const change of changes) {
    await ticket.put(item).go();
    await change(holds).go();
  }
  assert.equal((await ticket.get(key).go()).data, null);
  await assert.rejects(ticket.remove(key).go(), failedCondition);
  await ticket.delete(key).go();
});

onBoth("ElectroDB: upsert", async (table) => {
  const { ticket } = model(table);
  const key = { team: "upsert", id: "t-1" };
  const item = ticketOf("upsert", 1, { labels: ["a"] });
  const created = await ticket.upsert(item).go({ response: "all_new" });
  assert.deepEqual(created.data, item);
  const { data } = await ticket.upsert({ ...item, title: `${SECRET} again` })
    .add({ minutes: 5, labels: ["b"] })
    .ifNotExists({ extra: SECRET })
    .go({ response: "all_new" });
  const expected = { ...item, title: `${SECRET} again`, minutes: 5, labels: ["a", "b"], extra: SECRET };
  assert.deepEqual(sorted(data), expected);
  assert.deepEqual(sorted((await ticket.get(key).go()).data), expected);
});

onBoth("ElectroDB: query by key and by index, with filters on encrypted attributes", async (table) => {
  const { ticket, comment, desk } = model(table);
  const items = Array.from({ length: 9 }, (_, number) =>
    ticketOf("query", number, { state: number % 3 ? "open" : "closed", caller: { name: `${SECRET} ${number % 2}` } }));
  for (const item of items) await ticket.put(item).go();
  await comment.put([commentOf("query", 1), commentOf("query", 2)]).go();
  const found = async (query, options) => (await query.go(options)).data;
  const those = (test) => items.filter(({ priority }) => test(priority));

  assert.deepEqual(await found(ticket.query.ticket({ team: "query" })), items);
  assert.deepEqual(
    await found(ticket.query.ticket({ team: "query" }).between({ id: "t-2" }, { id: "t-4" }), { order: "desc" }),
    those((number) => number >= 2 && number <= 4).reverse(),
  );
  const odd = ({ caller }, { eq }) => eq(caller.name, `${SECRET} 1`);
  const high = ({ priority, title }, { gte, begins }) => `(${gte(priority, 5)} OR ${begins(title, `${SECRET} 1`)})`;
  assert.deepEqual(
    await found(ticket.query.ticket({ team: "query" }).where(odd).where(high)),
    those((number) => [1, 5, 7].includes(number)),
  );
  assert.deepEqual(
    await found(ticket.query.assigned({ assignee: "query-ada", state: "open" }).where(odd)),
    those((number) => number % 3 && number % 2),
  );
  // An index of keys alone: ElectroDB fetches the rest itself.
  assert.deepEqual(
    await found(ticket.query.byState({ state: "closed", team: "query" }), { hydrate: true }),
    those((number) => number % 3 === 0),
  );

  const work = await desk.collections.work({ assignee: "query-ada" }).go();
  assert.deepEqual(work.data.comment, [commentOf("query", 1), commentOf("query", 2)]);
  assert.deepEqual(work.data.ticket, [...those((number) => number % 3 === 0), ...those((number) => number % 3)]);
  const filtered = await desk.collections.work({ assignee: "query-ada" })
    .where(({ text }, { contains }) => contains(text, "comment 2"))
    .go();
  assert.deepEqual(filtered.data, { ticket: [], comment: [commentOf("query", 2)] });

  const pages = [];
  for (let cursor = null; pages.length === 0 || cursor;) {
    const page = await ticket.query.ticket({ team: "query" }).where(odd).go({ cursor, limit: 4, pages: 1 });
    pages.push(page.data.map((item) => item.priority));
    cursor = page.cursor;
  }
  assert.deepEqual(pages, [[1, 3], [5, 7], []]);
});

onBoth("ElectroDB: match, find and scan", async (table) => {
  const { ticket, comment } = model(table);
  for (const number of [1, 2, 3]) await ticket.put(ticketOf("match", number, { urgent: number > 1 })).go();
  await comment.put(commentOf("match", 1)).go();
  const second = [ticketOf("match", 2, { urgent: true })];
  assert.deepEqual((await ticket.match({ team: "match", title: `${SECRET} 2` }).go()).data, second);
  const found = await ticket.find({ assignee: "match-ada", state: "open" })
    .where(({ priority }, { eq }) => eq(priority, 2))
    .go();
  assert.deepEqual(found.data, second);
  // A scan filters on ElectroDB's own attributes, too, and those are encrypted.
  const scanned = await ticket.scan
    .where(({ team, urgent }, { eq }) => `${eq(team, "match")} AND ${eq(urgent, true)}`)
    .go({ pages: "all" });
  assert.deepEqual(scanned.data.map((item) => item.priority).sort(), [2, 3]);
  assert.deepEqual((await comment.scan.where(({ team }, { eq }) => eq(team, "match")).go()).data, [commentOf("match", 1)]);
});

onBoth("ElectroDB: batches", async (table) => {
  const { ticket } = model(table);
  const items = Array.from({ length: 30 }, (_, number) => ticketOf("batch", number));
  assert.deepEqual((await ticket.put(items).go()).unprocessed, []);
  const keys = items.map(({ team, id }) => ({ team, id }));
  const got = await ticket.get(keys).go({ preserveOrder: true });
  assert.deepEqual([got.data, got.unprocessed], [items, []]);
  assert.deepEqual((await ticket.delete(keys.slice(1)).go()).unprocessed, []);
  assert.deepEqual((await ticket.get(keys).go()).data, [items[0]]);
});

onBoth("ElectroDB: transactions", async (table) => {
  const { desk, ticket, comment } = model(table);
  for (const number of [1, 2, 3, 4]) await ticket.put(ticketOf("transact", number)).go();
  const key = (number) => ({ team: "transact", id: `t-${number}` });
  const write = (title) =>
    desk.transaction.write(({ ticket, comment }) => [
      ticket.patch(key(1)).set({ title: `${SECRET} new` }).add({ minutes: 1 }).commit(),
      ticket.check(key(2)).where((attribute, { eq }) => eq(attribute.title, title)).commit({ response: "all_old" }),
      ticket.remove(key(3)).where(({ priority }, { gt }) => gt(priority, 2)).commit(),
      ticket.put(ticketOf("transact", 4, { urgent: true })).where(({ priority }, { eq }) => eq(priority, 4)).commit(),
      comment.create(commentOf("transact", 1)).commit(),
      ticket.upsert(ticketOf("transact", 5)).commit(),
    ]).go();

  const failed = await write(SECRET);
  assert.equal(failed.canceled, true);
  assert.deepEqual(failed.data.map(({ code }) => code), ["None", "ConditionalCheckFailed", "None", "None", "None", "None"]);
  assert.deepEqual(failed.data[1].item, ticketOf("transact", 2));
  assert.deepEqual((await ticket.get(key(1)).go()).data, ticketOf("transact", 1));

  assert.equal((await write(`${SECRET} 2`)).canceled, false);
  const got = await desk.transaction.get(({ ticket, comment }) => [
    ...[1, 2, 3, 4, 5].map((number) => ticket.get(key(number)).commit()),
    comment.get({ ...key(1), number: 1 }).commit(),
  ]).go();
  assert.deepEqual(got.data.map(({ item }) => item), [
    ticketOf("transact", 1, { title: `${SECRET} new`, minutes: 1 }),
    ticketOf("transact", 2),
    null,
    ticketOf("transact", 4, { urgent: true }),
    ticketOf("transact", 5),
    commentOf("transact", 1),
  ]);
});

/** Sets come as lists, and in no order. */
function sorted({ labels, ...item }) {
  return labels ? { ...item, labels: labels.toSorted() } : item;
}
