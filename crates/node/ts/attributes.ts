// Attribute values as the SDK and Lambda hold them, and as JSON.

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

/** An item, or an event that holds some, as DynamoDB JSON; bytes become base64. */
export function toJson(item: object): string {
  return JSON.stringify(item, function (this: Record<string, unknown>, name, value) {
    // A Buffer arrives as what its own toJSON made of it; the holder still has the bytes.
    const held = this[name];
    return ArrayBuffer.isView(held)
      ? Buffer.from(held.buffer, held.byteOffset, held.byteLength).toString("base64")
      : value;
  });
}

/** The SDK's form; base64 becomes bytes. */
export function fromJson(json: string): AttributeMap {
  return decoded(JSON.parse(json) as AttributeMap);
}

/** The same for an item that is parsed already, in place. */
export function decoded(item: AttributeMap): AttributeMap {
  for (const value of Object.values(item)) decode(value as Parsed);
  return item;
}

interface Parsed {
  B?: unknown;
  BS?: unknown[];
  L?: Parsed[];
  M?: Record<string, Parsed>;
}

function decode(value: Parsed): void {
  if (value.B !== undefined) value.B = bytes(value.B);
  else if (value.BS) value.BS = value.BS.map(bytes);
  else if (value.L) value.L.forEach(decode);
  else if (value.M) Object.values(value.M).forEach(decode);
}

function bytes(base64: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(String(base64), "base64"));
}
