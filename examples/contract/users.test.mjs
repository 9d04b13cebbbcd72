// What the service does for its users.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, logIn, person, putRaw, scan, start } from "./harness.mjs";

let service;
before(async () => { service = await start(); });
after(() => service.end());

const read = (token, username) => service.call("GET", `/users/${username}`, { token });
const update = (token, username, email) => service.call("PATCH", `/users/${username}`, { token, body: { email } });
const remove = (token, username) => service.call("DELETE", `/users/${username}`, { token });

test("register, log in, read, update, log out, delete", async () => {
  const user = person("ada");
  const registered = await service.call("POST", "/users", { body: user });
  assert.deepEqual([registered.status, registered.json], [201, { username: user.username, email: user.email }]);

  const token = await logIn(service, user);
  assert.match(token, /^[\w-]{43}$/);
  assert.deepEqual((await read(token, user.username)).json, { username: user.username, email: user.email });

  const { email } = person("new");
  const updated = await update(token, user.username, email);
  assert.deepEqual([updated.status, updated.json], [200, { username: user.username, email }]);
  assert.equal((await read(token, user.username)).json.email, email);

  assert.equal((await service.call("DELETE", "/sessions", { token })).status, 204);
  assert.equal((await read(token, user.username)).status, 401);
  const again = await logIn(service, user);
  assert.equal((await remove(again, user.username)).status, 204);
  assert.equal((await service.call("POST", "/sessions", { body: { username: user.username, password: user.password } })).status, 401);
});

test("a name is taken once, also when many want it at the same time", async () => {
  const { username } = person("same");
  const racers = Array.from({ length: 8 }, () => ({ ...person("racer"), username }));
  const answers = await Promise.all(racers.map((body) => service.call("POST", "/users", { body })));
  const won = answers.filter(({ status }) => status === 201);
  assert.equal(won.length, 1, answers.map(({ status }) => status).join());
  for (const { json } of answers.filter(({ status }) => status !== 201)) assert.deepEqual(json, { error: "User exists" });
  assert.ok(answers.every(({ status }) => status === 201 || status === 409));
  // The one who was told so has it.
  const winner = racers[answers.indexOf(won[0])];
  const token = await logIn(service, winner);
  assert.equal((await read(token, username)).json.email, winner.email);
});

test("an update or a deletion of a user who does not exist is a conflict", async () => {
  const user = person("gone");
  const token = await enter(service, user);
  assert.equal((await remove(token, user.username)).status, 204);
  assert.equal((await read(token, user.username)).status, 404);
  for (const answer of [await update(token, user.username, person("x").email), await remove(token, user.username)]) {
    assert.deepEqual([answer.status, answer.json], [409, { error: "User does not exist" }]);
  }
  assert.ok(!(await scan(service, "Users")).some((item) => item.username.S === user.username));
});

test("updates and a deletion at the same time leave nothing behind", async () => {
  const user = person("racing");
  const token = await enter(service, user);
  const updates = Array.from({ length: 6 }, () => update(token, user.username, person("racing").email));
  const answers = await Promise.all([...updates, remove(token, user.username)]);
  const deleted = answers.pop();
  for (const { status } of answers) assert.ok([200, 409, 503].includes(status), `${status}`);
  if (deleted.status !== 204) {
    assert.equal(deleted.status, 503);
    assert.equal((await remove(token, user.username)).status, 204);
  }
  assert.ok(!(await scan(service, "Users")).some((item) => item.username.S === user.username));
});

test("a token of a deleted user does not reach who takes the name later", async () => {
  const first = person("name");
  const old = await enter(service, first);
  assert.equal((await remove(old, first.username)).status, 204);
  const second = { ...person("name"), username: first.username };
  const token = await enter(service, second);
  assert.equal((await read(old, second.username)).status, 404);
  assert.equal((await update(old, second.username, first.email)).status, 409);
  assert.equal((await remove(old, second.username)).status, 409);
  assert.equal((await read(token, second.username)).json.email, second.email);
});

test("who has no token, a wrong one, or another's, gets nothing", async () => {
  const [user, other] = [person("mine"), person("other")];
  const [token, others] = [await enter(service, user), await enter(service, other)];
  for (const wrong of [undefined, "", "x", `${token}x`, token.slice(1)]) {
    const answer = await read(wrong, user.username);
    assert.deepEqual([answer.status, answer.json], [401, { error: "Unauthorized" }]);
    assert.equal(answer.headers["www-authenticate"], "Bearer");
  }
  for (const answer of [await read(others, user.username), await update(others, user.username, other.email), await remove(others, user.username)]) {
    assert.deepEqual([answer.status, answer.json], [403, { error: "Forbidden" }]);
  }
});

test("a wrong password and an unknown user look the same", async () => {
  const user = person("known");
  await enter(service, user);
  const wrong = await service.call("POST", "/sessions", { body: { username: user.username, password: person("x").password } });
  const unknown = await service.call("POST", "/sessions", { body: { username: person("nobody").username, password: user.password } });
  assert.deepEqual([wrong.status, wrong.json], [401, { error: "Wrong username or password" }]);
  assert.deepEqual([unknown.status, unknown.json], [wrong.status, wrong.json]);
});

test("ten wrong passwords for one user from one address, and no more", async () => {
  const [user, other] = [person("guessed"), person("other")];
  for (const one of [user, other]) await service.call("POST", "/users", { body: one });
  const attempt = (username, password, from) => service.call("POST", "/sessions", { body: { username, password }, from });
  for (const username of [user.username, person("nobody").username, "No user has such a name"]) {
    // At once: none slips through while another is looked at.
    const answers = await Promise.all(Array.from({ length: 14 }, () => attempt(username, person("x").password)));
    const refused = answers.filter(({ status }) => status === 429);
    assert.deepEqual([answers.filter(({ status }) => status === 401).length, refused.length], [10, 4], username);
    for (const { json, headers } of refused) {
      assert.deepEqual(json, { error: "Too many attempts" });
      assert.match(headers["retry-after"], /^\d+$/);
      assert.ok(headers["retry-after"] > 800 && headers["retry-after"] <= 901);
    }
  }
  assert.equal((await attempt(user.username, user.password)).status, 429, "the right one is not looked at either");
  await logIn(service, other);
  // Who guesses does not lock the user out elsewhere. Only Linux has all of 127.0.0.0/8.
  if (process.platform === "linux") await logIn(service, user, "127.0.0.2");
});

test("a right password starts the count anew", async () => {
  const user = person("forgetful");
  await service.call("POST", "/users", { body: user });
  for (let round = 0; round < 2; round += 1) {
    const wrong = { username: user.username, password: person("x").password };
    const answers = await Promise.all(Array.from({ length: 9 }, () => service.call("POST", "/sessions", { body: wrong })));
    assert.ok(answers.every(({ status }) => status === 401));
    await logIn(service, user);
  }
});

test("what is stored is sealed, and tokens are hashed", async () => {
  const user = person("sealed");
  const token = await enter(service, user);
  const stored = (await scan(service, "Users")).find((item) => item.username.S === user.username);
  assert.deepEqual(Object.keys(stored).sort(), ["account", "aws_dbe_foot", "aws_dbe_head", "email", "passwordHash", "username"]);
  for (const name of ["account", "email", "passwordHash"]) assert.deepEqual(Object.keys(stored[name]), ["B"], name);
  const sessions = await scan(service, "Sessions");
  assert.ok(sessions.length > 0);
  for (const session of sessions) {
    assert.deepEqual([Object.keys(session.username), Object.keys(session.account)], [["B"], ["B"]]);
    assert.match(session.expiresAt.N, /^\d{10}$/);
    assert.ok(!JSON.stringify(session).includes(token));
  }
});

test("an item that was changed in the table is not shown, and is a security event", async () => {
  const [user, other] = [person("changed"), person("donor")];
  const token = await enter(service, user);
  await enter(service, other);
  const items = await scan(service, "Users");
  const of = ({ username }) => items.find((item) => item.username.S === username);
  await putRaw(service, "Users", { ...of(user), email: of(other).email });
  const answer = await read(token, user.username);
  assert.deepEqual([answer.status, answer.json], [500, { error: "Internal Server Error" }]);
  assert.match(await service.serviceLog(/DSL-3008/), /DSL-3008/);
  // Another's whole item under this key is no better.
  await putRaw(service, "Users", { ...of(other), username: of(user).username });
  assert.equal((await read(token, user.username)).status, 500);
  await putRaw(service, "Users", of(user));
  assert.equal((await read(token, user.username)).json.email, user.email);
});
