// Attribute values as the SDK and Lambda hold them, and as JSON.

import { types } from "node:util";

/** A DynamoDB attribute value, as the SDK has it. */
export type AttributeValue = {
  [Name in keyof Types]: { [Of in Name]: Types[Of] } & { [Other in Exclude<keyof Types, Name>]?: never };
}[keyof Types];
/** An item, as the SDK has it: what its `unmarshall` takes. */
export type AttributeMap = Record<string, AttributeValue>;

/** What an attribute value may be given as: the SDK's, or that of Lambda's events, in which binary is base64. */
export interface AttributeInput {
  readonly S?: string | undefined;
  readonly N?: string | undefined;
  readonly B?: ArrayBufferView | string | undefined;
  readonly SS?: readonly string[] | undefined;
  readonly NS?: readonly string[] | undefined;
  readonly BS?: readonly (ArrayBufferView | string)[] | undefined;
  readonly M?: ItemInput | undefined;
  readonly L?: readonly AttributeInput[] | undefined;
  readonly NULL?: boolean | undefined;
  readonly BOOL?: boolean | undefined;
}
/** What an item may be given as: also what the SDK's `marshall` gives. */
export interface ItemInput {
  readonly [name: string]: AttributeInput;
}

interface Types {
  S: string;
  N: string;
  B: Uint8Array;
  SS: string[];
  NS: string[];
  BS: Uint8Array[];
  M: AttributeMap;
  L: AttributeValue[];
  NULL: boolean;
  BOOL: boolean;
}

/** A member of an object, if it is its own: what stands on prototypes is nobody's answer. */
export function own(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null && Object.hasOwn(object, name)
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

/** An item, or an event that holds some, as DynamoDB JSON; bytes become base64. Throws if something in it has no such form. */
export function toJson(item: object): string {
  return JSON.stringify(item, printable);
}

function printable(this: Record<string, unknown>, name: string, value: unknown): unknown {
  // The holder still has what a toJSON, which may be anyone's, made something else of.
  const held = this[name];
  if (ArrayBuffer.isView(held)) return Buffer.from(held.buffer, held.byteOffset, held.byteLength).toString("base64");
  if (types.isDate(held)) return value;
  const isLost = types.isMap(held) || types.isSet(held) || types.isPromise(held) || types.isAnyArrayBuffer(held);
  if (isLost || typeof held === "function" || typeof held === "symbol") throw new TypeError("it would be left out");
  return held;
}

/** The SDK's form; base64 becomes bytes. */
export function fromJson(json: string): AttributeMap {
  return decoded(JSON.parse(json) as AttributeMap);
}

/** The same for an item that is parsed already, in place. */
export function decoded(item: AttributeMap): AttributeMap {
  for (const value of Object.values(item)) decode(value);
  return item;
}

/** What stands where a value should; images of tables that are not protected are not looked at before. */
function decode(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const [B, BS, L, M] = ["B", "BS", "L", "M"].map((type) => own(value, type));
  if (typeof B === "string") Object.assign(value, { B: bytes(B) });
  else if (Array.isArray(BS)) Object.assign(value, { BS: BS.map(bytes) });
  else if (Array.isArray(L)) L.forEach(decode);
  else if (typeof M === "object" && M !== null) Object.values(M).forEach(decode);
}

function bytes(base64: unknown): Uint8Array {
  const decoded = Buffer.from(String(base64), "base64");
  // A long one has its memory for itself; a short one shares what is not its own to give away.
  return decoded.byteLength === decoded.buffer.byteLength ? new Uint8Array(decoded.buffer) : new Uint8Array(decoded);
}
