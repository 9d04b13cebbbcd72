// The operations of the newest SDK and every member of their requests, read off the SDK's own schemas while the tests run: a member
// that a newer model brings is one more test.

import { dynamodb, streams } from "./sdk.mjs";

/** All operations, each with its command and the paths to all that a request can hold. */
export function operations() {
  return [dynamodb, streams].flatMap((sdk) =>
    Object.entries(sdk)
      .filter(([name, Command]) => name.endsWith("Command") && name !== "$Command" && typeof Command === "function")
      .map(([, Command]) => {
        const [, , name, , input] = new Command({}).schema;
        return { sdk, name, Command, leaves: leaves(resolve(input)) };
      }),
  );
}

/** The ends of a schema: where a structure, a list or a map holds no further structure. Each as steps from the top. */
function leaves(schema, steps = [], open = []) {
  const [kind, , , , ...rest] = schema;
  if (kind !== STRUCTURE || open.includes(schema)) return [];
  const [names, members] = rest;
  return names.flatMap((name, at) => {
    const member = resolve(members[at]);
    const [inner, around] = unwrap(member);
    const below = [...steps, { name, around }];
    if (isStructure(inner)) return leaves(inner, below, [...open, schema]);
    return [{ steps: below, kind: kindOf(inner) }];
  });
}

/** What lists and maps hold in the end, and what is around it, outermost first. */
function unwrap(schema) {
  const around = [];
  let inner = schema;
  for (;;) {
    if (Array.isArray(inner) && inner[0] === LIST) around.push("list");
    else if (Array.isArray(inner) && inner[0] === MAP) around.push("map");
    else if (typeof inner === "number" && (inner & LIST_OF) === LIST_OF) return [inner & ~LIST_OF, [...around, "list"]];
    else if (typeof inner === "number" && (inner & MAP_OF) === MAP_OF) return [inner & ~MAP_OF, [...around, "map"]];
    else return [inner, around];
    inner = resolve(inner.at(inner[0] === MAP ? 5 : 4));
  }
}

function resolve(schema) {
  const found = typeof schema === "function" ? schema() : schema;
  // A member's schema may come with its traits; a schema of its own has a namespace there.
  return Array.isArray(found) && typeof found[1] !== "string" ? resolve(found[0]) : found;
}

const isStructure = (schema) => Array.isArray(schema) && schema[0] === STRUCTURE;
const kindOf = (schema) => (Array.isArray(schema) ? "value" : (KINDS[schema] ?? "text"));

const [STRUCTURE, LIST, MAP] = [3, 1, 2];
/** Flags of lists and maps of simple things. */
const [LIST_OF, MAP_OF] = [64, 128];
const KINDS = { 0: "text", 1: "number", 2: "flag", 4: "time", 5: "time", 6: "time", 7: "time" };
