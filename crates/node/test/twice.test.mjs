// Other middlewares that send a request more than once: a write is carried out once and told right, wherever they stand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { documents, elsewhere, scripted, SECRET } from "./support/harness.mjs";
import { dynamodb, lib } from "./support/sdk.mjs";

/** Between Dynaseal's own middlewares, and behind both of them. */
const POSITIONS = [
  { step: "build", priority: "low" },
  { step: "finalizeRequest", priority: "high" },
  { step: "finalizeRequest", priority: "low" },
  { step: "deserialize", priority: "high" },
  { step: "deserialize", priority: "low" },
];

/** How a middleware may send a request again. */
const MANNERS = {
  "both, the first one's answer": async (next) => (await Promise.all([next(), next()]))[0],
  "both, the second one's answer": async (next) => (await Promise.all([next(), next()]))[1],
  "the faster one": (next) => Promise.race([next(), next()]),
  "either one": (next) => either([next(), next()]),
  "both, one a little later": async (next) => (await Promise.all([next(), pause(2).then(next)]))[1],
  "either one, one a little later": (next) => either([next(), pause(2).then(next)]),
  "five at once": async (next) => (await Promise.all([next(), next(), next(), next(), next()]))[3],
};

const either = (sent) =>
  Promise.any(sent).catch(({ errors }) => {
    throw errors[0];
  });

/** A client with a middleware that calls `next` in a manner, and how often a write went out. */
function twice(manner, position, script) {
  const made = scripted(script);
  made.client.middlewareStack.add((next) => (args) => manner(() => next(args), args), { ...position, name: "twice" });
  return { ...made, writes: () => made.operations().filter((operation) => !operation.startsWith("Get")).length };
}

const put = (documents, id, more = {}) =>
  documents.send(new lib.PutCommand({ TableName: "Users", Item: { id, email: SECRET, balance: 0 }, ...more }));
const balance = async (id) => {
  const command = new lib.GetCommand({ TableName: "Users", Key: { id }, ConsistentRead: true });
  return (await documents.send(command)).Item?.balance;
};
const update = (id) => ({
  TableName: "Users",
  Key: { id },
  UpdateExpression: "SET balance = balance + :n",
  ExpressionAttributeValues: { ":n": 1 },
});
const partiql = (documents, id) =>
  documents.send(
    new lib.ExecuteStatementCommand({
      Statement: 'UPDATE "Users" SET balance = balance + 1 WHERE id = ?',
      Parameters: [id],
    }),
  );

/** Writes that count one up, by the calls that they become. */
const WRITES = {
  update: (documents, id) => documents.send(new lib.UpdateCommand({ ...update(id), ReturnValues: "UPDATED_NEW" })),
  transaction: (documents, id) =>
    documents.send(new lib.TransactWriteCommand({ TransactItems: [{ Update: update(id) }] })),
  "PartiQL update": partiql,
  "conditional put": (documents, id) =>
    documents.send(
      new lib.PutCommand({
        TableName: "Users",
        Item: { id, email: SECRET, balance: 1 },
        ConditionExpression: "balance = :n",
        ExpressionAttributeValues: { ":n": 0 },
      }),
    ),
};

for (const position of POSITIONS) {
  const where = `${position.step}, ${position.priority}`;
  for (const [how, manner] of Object.entries(MANNERS)) {
    test(`at ${where}: ${how}`, async () => {
      for (const [kind, write] of Object.entries(WRITES)) {
        const id = `${where} ${how} ${kind}`;
        await put(documents, id);
        const { documents: doubled } = twice(manner, position);
        const { Attributes } = await write(doubled, id);
        assert.equal(await balance(id), 1, kind);
        if (Attributes) assert.deepEqual(Attributes, { balance: 1 });
      }
      const { documents: doubled } = twice(manner, position);
      await put(doubled, `${where} ${how}`);
      const Key = { id: `${where} ${how}` };
      const { Item } = await doubled.send(new lib.GetCommand({ TableName: "Users", Key, ConsistentRead: true }));
      assert.equal(Item.email, SECRET);
      await assert.rejects(
        doubled.send(new lib.UpdateCommand({ ...update("x"), Key, ConditionExpression: "balance > :n" })),
        (error) => error instanceof dynamodb.ConditionalCheckFailedException,
      );
      assert.equal(await balance(Key.id), 0);
    });
  }
}

test("what is sent several times at once leaves once", async () => {
  for (const position of POSITIONS.slice(0, 4)) {
    for (const [how, manner] of Object.entries(MANNERS)) {
      for (const [kind, write] of Object.entries(WRITES)) {
        const id = `once ${position.step} ${position.priority} ${how} ${kind}`;
        await put(documents, id);
        const { documents: doubled, writes } = twice(manner, position);
        await write(doubled, id);
        assert.equal(writes(), 1, id);
      }
    }
  }
});

test("a write that was carried out, and whose answer is given up, is found and not written again", async () => {
  const [first, second] = [(next) => next(), (next) => pause(20).then(() => next())];
  const manners = {
    "the faster one": (next) => Promise.race([first(next), second(next)]),
    "the one that answers late": async (next) => (await Promise.all([first(next), second(next)]))[0],
  };
  const slow = async (_, send) => {
    const output = await send();
    await pause(1500);
    return output;
  };
  for (const [how, manner] of Object.entries(manners)) {
    for (const [kind, write] of Object.entries({ update: WRITES.update, "PartiQL update": partiql })) {
      const id = `given up ${how} ${kind}`;
      await put(documents, id);
      const { documents: doubled, writes } = twice(manner, POSITIONS[2], [undefined, slow]);
      await write(doubled, id);
      assert.deepEqual([await balance(id), writes()], [1, 2], `${how} ${kind}`);
    }
  }
});

test("what is sent again when its call is over is not sent", async () => {
  const refused = { status: 400, type: "ValidationException" };
  for (const position of POSITIONS.slice(0, 4)) {
    const kept = [];
    const keep = (next) => (kept.push(next), next());
    const { documents: ended, operations } = twice(keep, position, [refused]);
    await assert.rejects(put(ended, "over"), { name: "ValidationException" });
    const sent = operations().length;
    for (const next of kept) await assert.rejects(next(), (error) => error.code === "DSL-9004");
    assert.equal(operations().length, sent, `${position.step} ${position.priority}`);
  }
});

test("what is sent again after its answer is not sent again, and gets that answer", async () => {
  const again = async (next) => (await next()) && next();
  for (const position of POSITIONS.slice(0, 4)) {
    const id = `again ${position.step} ${position.priority}`;
    const once = twice(again, position);
    await put(once.documents, id);
    assert.equal(once.writes(), 1);
    for (const [kind, write] of Object.entries(WRITES)) {
      await put(documents, `${id} ${kind}`);
      const { documents: doubled, writes } = twice(again, position);
      await write(doubled, `${id} ${kind}`);
      assert.deepEqual([await balance(`${id} ${kind}`), writes()], [1, 1], kind);
    }
  }
});

test("a first send that answers late moves nothing", async () => {
  const impatient = (next) => Promise.race([next(), pause(20).then(() => Promise.reject(new Error("slow")))]).catch(next);
  for (const late of [40, 1200]) {
    for (const [kind, write] of Object.entries(WRITES)) {
      const id = `late ${late} ${kind}`;
      await put(documents, id);
      for (const slow of [0, 1]) {
        const script = [undefined, undefined];
        script[slow] = (_, send) => pause(late).then(send);
        const { documents: doubled } = twice(impatient, POSITIONS[2], script);
        const before = await balance(id);
        // A condition that the first try has used up fails the second time: that is told, and nothing is written.
        const outcome = await write(doubled, id).catch((error) => error);
        const failed = outcome instanceof dynamodb.ConditionalCheckFailedException;
        assert.equal(await balance(id), failed ? before : before + 1, `${kind}: ${outcome}`);
        assert.ok(failed ? kind === "conditional put" && slow === 1 : !(outcome instanceof Error), `${kind}: ${outcome}`);
      }
    }
  }
});

test("an answer that comes after the call has ended moves no other call", async () => {
  await put(documents, "ended");
  let answer;
  const held = new Promise((resolve) => (answer = resolve));
  const gone = (next) => Promise.race([next(), pause(20).then(() => Promise.reject(new RangeError("enough")))]);
  const script = [undefined, async (_, send) => (await held, send())];
  const { client, documents: hasty } = scripted(script);
  let armed = true;
  client.middlewareStack.add((next) => (args) => (armed ? gone(() => next(args)) : next(args)), { ...POSITIONS[2], name: "gone" });
  const first = WRITES.update(hasty, "ended").catch((error) => error);
  await pause(60);
  armed = false;
  const second = await WRITES.update(hasty, "ended").catch((error) => error);
  answer();
  await first;
  await pause(50);
  const counted = await balance("ended");
  const told = [await first, second].filter((outcome) => !(outcome instanceof Error)).length;
  assert.ok(counted === told || counted === told + 1, `${counted} written, ${told} told`);
  assert.equal((await WRITES.update(hasty, "ended")).Attributes.balance, counted + 1);
});

test("another writer between two sends: told as lost, or counted, never twice", async () => {
  await put(documents, "between");
  const script = [
    undefined,
    async (_, send) => {
      const sent = await send();
      await WRITES.update(elsewhere, "between");
      return sent;
    },
  ];
  const { documents: doubled } = twice(MANNERS["both, the second one's answer"], POSITIONS[4], script);
  const outcome = await WRITES.update(doubled, "between").catch((error) => error);
  const mine = outcome instanceof Error ? 0 : 1;
  const counted = await balance("between");
  assert.ok(counted === 2 || counted === 1 + mine, `${counted} after ${outcome}`);
});

test("a write that was carried out, given up, and then written over by another is told as unsettled, and not done again", async () => {
  const late = (next) => pause(20).then(() => next());
  const manners = {
    "the faster one": (next) => Promise.race([next(), late(next)]),
    "the second one's answer": async (next) => (await Promise.all([next(), late(next)]))[1],
  };
  const other = (id) => elsewhere.send(new lib.UpdateCommand(update(id)));
  const { update: updates, "PartiQL update": statement, "conditional put": replaces } = WRITES;
  const overwritten = async (position, how, kind, write) => {
    const id = `written over ${position.step} ${position.priority} ${how} ${kind}`;
    await put(documents, id);
    // Carried out at once, and answered only when the second one has been sent; the other writer comes between the two.
    const slow = async (_, send) => {
      const output = await send();
      await other(id);
      await pause(1500);
      return output;
    };
    const { documents: doubled, writes } = twice(manners[how], position, [undefined, slow]);
    await assert.rejects(write(doubled, id), { code: "DSL-6006", retryable: false }, id);
    assert.deepEqual([await balance(id), writes()], [2, 2], id);
  };
  const all = POSITIONS.slice(0, 4).flatMap((position) =>
    Object.keys(manners).flatMap((how) => Object.entries({ updates, statement, replaces }).map((write) => overwritten(position, how, ...write))),
  );
  await Promise.all(all);
});

/** A strategy of the application's own, as the SDK takes one: it tries again whatever came. */
const stubborn = (tries) => ({
  mode: "own",
  retry: async (next, args) => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await next(args);
      } catch (error) {
        if (tried === tries) throw error;
      }
    }
  },
});

test("a retry strategy of the application's own gets the SDK's own exceptions", async () => {
  const bystander = { id: "mine", note: "there" };
  await documents.send(new lib.PutCommand({ TableName: "Plain", Item: bystander }));
  await put(documents, "mine");
  const own = () => scripted([], { retryStrategy: stubborn(3) });
  for (const TableName of ["Plain", "Users"]) {
    const condition = { ConditionExpression: "attribute_not_exists(id)" };
    const { documents: mine, seen } = own();
    const failed = mine.send(new lib.PutCommand({ TableName, Item: { id: "mine", email: SECRET }, ...condition }));
    await assert.rejects(failed, (error) => error instanceof dynamodb.ConditionalCheckFailedException);
    // What passes is sent again as it is, as without Dynaseal; what was sealed has its answer.
    assert.equal(seen.length, TableName === "Plain" ? 3 : 1);
    const cancelled = mine.send(
      new lib.TransactWriteCommand({ TransactItems: [{ Put: { TableName, Item: { id: "mine", email: SECRET }, ...condition } }] }),
    );
    await assert.rejects(cancelled, (error) => error instanceof dynamodb.TransactionCanceledException);
  }
  const { documents: mine } = own();
  await assert.rejects(mine.send(new lib.GetCommand({ TableName: "Missing", Key: { id: "1" } })), {
    name: "ResourceNotFoundException",
  });
  assert.equal((await WRITES.update(mine, "mine"), await balance("mine")), 1);
});

test("a call that passes is sent again as often as a strategy wants, and succeeds when DynamoDB lets it", async () => {
  let tried = 0;
  const script = Array.from({ length: 5 }, () => (_, send) => {
    tried += 1;
    return tried === 3 ? send() : { response: refusal("TransactionCanceledException") };
  });
  const { documents: mine, seen } = scripted(script, { retryStrategy: stubborn(5) });
  await mine.send(new lib.TransactWriteCommand({ TransactItems: [{ Put: { TableName: "Plain", Item: { id: "strategy" } } }] }));
  assert.equal(seen.length, 3);
  assert.equal(new Set(seen.map(({ body }) => body)).size, 1);
});

const refusal = (type) => ({
  statusCode: 400,
  headers: { "content-type": "application/x-amz-json-1.0" },
  body: Buffer.from(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type })),
});
