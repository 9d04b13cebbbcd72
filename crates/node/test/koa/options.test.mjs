// What is given to the functions of dynaseal/koa and dynaseal/egress and cannot be used: a DynasealError that names function and
// option, says what is expected, and shows no value.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DynasealError } from "dynaseal";
import { EgressError, EgressHttpAgent, EgressHttpsAgent, egressDispatcher } from "dynaseal/egress";
import { accessLog, DynamoFailure, dynamoErrors, redact, requireHttps, secureHeaders, SetupError } from "dynaseal/koa";

const SECRET = "canary-4f1c9a";
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const getter = (name) => Object.defineProperty({}, name, { enumerable: true, get() { throw new RangeError(SECRET); } });

/** What no function takes for its options. */
const NONE = [null, 5, 5n, SECRET, true, [], [SECRET], new Map(), new Set(), Promise.resolve({}), () => SECRET, Symbol(SECRET), Buffer.from(SECRET), revoked()];
/** By function: how it is called, and for each option what is wrong as its value. */
const NO_FUNCTION = [null, 5, SECRET, {}, [], true];
const NO_TEXTS = [null, SECRET, 5, {}, [5], ["a", null], [[SECRET]], [{ toString: () => SECRET }], [Symbol(SECRET)], new Set(["a"])];
const NO_COUNT = [null, SECRET, -1, 1.5, Number.NaN, Infinity, {}, true, 5n];
const NO_BOOLEAN = [null, "false", 0, {}];
const RULES = { allow: [...NO_TEXTS, [Object.create(null)], [`u:${SECRET}@h`], ["10.0.0.0/33"], [""]], public: NO_BOOLEAN, lookup: NO_FUNCTION };
const FUNCTIONS = {
  accessLog: [accessLog, { log: NO_FUNCTION }],
  dynamoErrors: [dynamoErrors, { onSecurityEvent: NO_FUNCTION, retryAfter: [null, SECRET, -1, Number.NaN, Infinity, {}] }],
  requireHttps: [requireHttps, {
    redirect: [null, 5, "", `https://${SECRET}/a b`, {}, []], hsts: [null, true, 5, SECRET, [], new Map()], trust: [...NO_TEXTS, [SECRET]], log: NO_FUNCTION,
  }],
  "requireHttps: hsts": [(hsts) => requireHttps({ hsts }), { maxAge: NO_COUNT, includeSubDomains: NO_BOOLEAN, preload: NO_BOOLEAN }],
  secureHeaders: [secureHeaders, { permissionsPolicy: [null, true, 5, {}, `a\n${SECRET}`], cacheControl: [null, true, [], "a\r\nb"] }],
  redact: [redact, {
    names: NO_TEXTS, keep: [...NO_TEXTS, [/a/]], patterns: [null, SECRET, /a/, [SECRET], [null], {}], mark: [null, 5, {}, false],
    maxDepth: NO_COUNT, maxNodes: NO_COUNT, maxText: NO_COUNT,
  }],
  EgressHttpAgent: [(options) => new EgressHttpAgent(options), RULES],
  EgressHttpsAgent: [(options) => new EgressHttpsAgent(options), RULES],
  egressDispatcher: [egressDispatcher, { ...RULES, agent: [null, 5, SECRET, [], new Map()] }],
};

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

function isOurs(error, where, what) {
  const label = `${where}: ${what}: ${error?.stack}`;
  assert.ok(error instanceof DynasealError && (error instanceof SetupError || error instanceof EgressError), label);
  assert.ok(["DSL-9201", "DSL-9104"].includes(error.code) && error.kind === "config" && error.hint.length > 5, label);
  assert.ok(error.message.startsWith(`${error.code}: ${where}`), label);
  assert.ok(!`${error.message}${error.hint}`.includes(SECRET), label);
}

for (const [where, [make, options]] of Object.entries(FUNCTIONS)) {
  test(`${where}: what is wrong is said by name`, async () => {
    for (const given of NONE) if (where !== "requireHttps: hsts") isOurs(await refusal(() => make(given)), where, typeof given);
    for (const [name, wrong] of Object.entries(options)) {
      for (const value of [...wrong, Promise.resolve(SECRET), revoked()]) {
        const error = await refusal(() => make({ [name]: value }));
        isOurs(error, where, name);
        assert.ok(error.message.includes(`option ${name}`), error.message);
      }
      isOurs(await refusal(() => make(getter(name))), where, "a getter");
      assert.equal(await refusal(() => make({ [name]: undefined })), undefined, name);
    }
    if (where !== "secureHeaders") isOurs(await refusal(() => make({ [`${Object.keys(options)[0]}s`]: SECRET })), where, "a misspelt option");
    if (where !== "secureHeaders") isOurs(await refusal(() => make({ [SECRET]: 1 })), where, "a name that is none");
  });
}

test("what stands on a prototype is no option", () => {
  Object.prototype.trust = ["any"];
  try {
    assert.equal(typeof requireHttps({}), "function");
    assert.equal(typeof requireHttps(Object.create({ trust: 5 })), "function");
  } finally {
    delete Object.prototype.trust;
  }
});

test("loggers, pino and DynamoFailure: what is given to them, too", async () => {
  for (const target of [undefined, null, 5, SECRET, [], { info: SECRET }, Promise.resolve(console)]) {
    isOurs(await refusal(() => redact().logger(target)), "logger", typeof target);
    isOurs(await refusal(() => redact.logger(target)), "logger", typeof target);
  }
  for (const pino of [undefined, null, {}, SECRET]) isOurs(await refusal(() => redact().pino(pino)), "pino", typeof pino);
  for (const options of [null, 5, SECRET, []]) isOurs(await refusal(() => redact().pino(() => assert.fail(), options)), "pino", typeof options);
  for (const failure of [undefined, null, 5, SECRET, {}, { kind: SECRET, name: SECRET }, revoked()]) {
    isOurs(await refusal(() => new DynamoFailure(failure)), "DynamoFailure", typeof failure);
  }
  for (const Agent of [EgressHttpAgent, EgressHttpsAgent]) {
    for (const agent of [null, 5, SECRET, [], revoked()]) isOurs(await refusal(() => new Agent({}, agent)), Agent.name, typeof agent);
  }
});

test("what helmet cannot use is told as that", async (t) => {
  const warned = t.mock.method(process, "emitWarning", () => undefined);
  const context = { res: { getHeaderNames: () => [] } };
  const error = await refusal(() => secureHeaders({ contentSecurityPolicy: { directives: { [SECRET]: 5 } } })(context, () => assert.fail()));
  isOurs(error, "secureHeaders", "helmet");
  assert.ok(error.cause instanceof Error);
  assert.equal(warned.mock.callCount(), 1);
});
