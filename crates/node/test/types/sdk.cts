// Compiled, never run, with each version of the SDK: items go from its functions to ours and back without a cast.

import type { AttributeValue, GetItemCommandOutput, PutItemCommandInput, ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { type AttributeMap, Dynaseal, type ItemInput } from "dynaseal";

interface User {
  userId: string;
  views: number;
  tags: string[];
  card: { number: string; bytes: Uint8Array };
}

/** As @types/aws-lambda has it. */
interface LambdaValue {
  B?: string | undefined;
  BS?: string[] | undefined;
  BOOL?: boolean | undefined;
  L?: LambdaValue[] | undefined;
  M?: { [name: string]: LambdaValue } | undefined;
  N?: string | undefined;
  NS?: string[] | undefined;
  NULL?: boolean | undefined;
  S?: string | undefined;
  SS?: string[] | undefined;
}

export async function there(dynaseal: Dynaseal, user: User): Promise<PutItemCommandInput> {
  return { TableName: "Users", Item: await dynaseal.sealItem("Users", marshall(user)) };
}

export async function back(dynaseal: Dynaseal, { Item }: GetItemCommandOutput): Promise<User> {
  const opened = await dynaseal.openItem("Users", Item ?? {});
  const again: Record<string, AttributeValue> = await dynaseal.sealItem("Users", opened);
  await dynaseal.openItem("Users", again);
  return unmarshall(opened) as User;
}

export async function scanned(dynaseal: Dynaseal, { Items = [] }: ScanCommandOutput): Promise<AttributeMap[]> {
  return Promise.all(Items.map((item) => dynaseal.openItem("Users", item)));
}

export async function single(dynaseal: Dynaseal, image: { [name: string]: LambdaValue }, buffer: Buffer): Promise<string[]> {
  const item: ItemInput = { userId: { S: "1" }, key: { B: buffer }, base64: { B: "AQ==" }, list: { L: [{ NULL: true }, { M: { a: { BS: [buffer] } } }] } };
  const opened = await dynaseal.openItem("Users", { ...item, ...image });
  const value = opened["email"];
  const isAny: IsAny<typeof value> = false;
  const inner: IsAny<NonNullable<NonNullable<typeof value>["M"]>[string]> = false;
  const text: string | undefined = value?.S;
  const bytes: Uint8Array | undefined = value?.B;
  // @ts-expect-error a text is no number
  const number: number | undefined = value?.N;
  // @ts-expect-error no type of DynamoDB
  await dynaseal.sealItem("Users", { userId: { Q: "1" } });
  // @ts-expect-error numbers are texts
  await dynaseal.sealItem("Users", { views: { N: 1 } });
  // @ts-expect-error an item that nobody marshalled
  await dynaseal.sealItem("Users", { userId: "1" });
  // @ts-expect-error no item
  await dynaseal.openItem("Users", undefined);
  return [text ?? "", String(bytes?.length), String(number), String(isAny), String(inner)];
}

type IsAny<T> = 0 extends 1 & T ? true : false;
