// Compiled, never run: what a typed application may write, and what it may not.

import { DynamoDB, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient, GetRecordsCommand, type GetRecordsCommandOutput } from "@aws-sdk/client-dynamodb-streams";
import { KMSClient } from "@aws-sdk/client-kms";
import { DynamoDBDocument, DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { type AttributeMap, type Config, Dynaseal, DynasealError, defineTable, type Opened, seal, type TableConfig } from "dynaseal";

interface User {
  userId: string;
  email: string;
  card?: { number: string };
  views: number;
}

const keys: Config["keys"] = { main: { type: "raw-aes", namespace: "acme", name: "dev", key_env: "ENCRYPTION_KEY" } };

const users = defineTable<User>({
  keys: "main",
  partition_key: "userId",
  suite: "hmac",
  default_action: "encrypt_and_sign",
  attributes: { userId: "sign_only", email: "encrypt_and_sign", card: "encrypt_and_sign" },
  unsigned: ["views"],
});
const config: Config = {
  keys,
  tables: { Users: users, Anything: { keys: "main", partition_key: "id", attributes: { any: "sign_only" } } },
};

const table = { keys: "main", partition_key: "userId" } as const;
// @ts-expect-error a misspelt attribute
defineTable<User>({ ...table, attributes: { emial: "sign_only" } });
// @ts-expect-error a misspelt unsigned attribute
defineTable<User>({ ...table, unsigned: ["view"] });
// @ts-expect-error a misspelt key attribute
defineTable<User>({ keys: "main", partition_key: "userID" });
// @ts-expect-error a misspelt action
defineTable<User>({ ...table, attributes: { email: "encrypt" } });
// @ts-expect-error a misspelt setting
defineTable<User>({ ...table, sortkey: "email" });
// @ts-expect-error no partition key
defineTable<User>({ keys: "main" });
const everything: Config = { keys, tables: { "*": { keys: "main", default_action: "encrypt_and_sign" }, Users: users } };
// @ts-expect-error a pattern stands for several tables, each with its own keys
const keyed: Config = { keys, tables: { "prod-*": { keys: "main", partition_key: "id" } } };
// @ts-expect-error two places for one key
const both: Config["keys"] = { main: { type: "raw-aes", namespace: "a", name: "b", key_env: "A", key_file: "b" } };
const ecdh: Config["keys"] = {
  both: { type: "raw-ecdh", scheme: "static", curve: "P-256", private_key_file: "own.pem", public_key_file: "peer.pem" },
  seals: { type: "raw-ecdh", scheme: "ephemeral", curve: "P-384", public_key_file: "peer.pem" },
  opens: { type: "raw-ecdh", scheme: "discovery", curve: "P-521", private_key_file: "own.pem" },
};
const unused: Config["keys"] = {
  // @ts-expect-error a key that its scheme does not use
  main: { type: "raw-ecdh", scheme: "ephemeral", curve: "P-256", private_key_file: "a", public_key_file: "b" },
};
const store = { type: "hierarchical", key_store_table: "KeyStore", branch_key_id_attribute: "tenant" } as const;
const stores: Config["keys"] = {
  one: { ...store, kms_key_arn: "arn", logical_key_store_name: "First", cache_ttl: 60, grant_tokens: ["a"] },
  replicas: { ...store, kms_mrk_key_arn: "arn", when_unavailable: "keep", keep_for: 300 },
  any: { ...store, kms: "discovery", accounts: ["111122223333"], regions: ["eu-west-1"] },
  vault: { ...store, vault_key: "tenants", vault_mount: "transit" },
};
// @ts-expect-error a key store without a KMS key
const open: Config["keys"] = { main: store };
// @ts-expect-error two KMS keys for one key store
const twoKeys: Config["keys"] = { main: { ...store, kms_key_arn: "a", kms: "discovery", accounts: [] } };
const arn = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
const kms: Config["keys"] = {
  one: { type: "aws-kms", key_arn: arn, grant_tokens: ["token"] },
  replicas: { type: "aws-kms-mrk", key_arn: arn, region: "us-east-1" },
  any: { type: "aws-kms-discovery", accounts: ["111122223333"] },
  anywhere: { type: "aws-kms-mrk-discovery", accounts: ["111122223333"], regions: ["eu-west-1", "us-east-1"] },
};
const asymmetric: Config["keys"] = {
  rsa: { type: "aws-kms-rsa", key_arn: arn, padding: "OAEP_SHA256", public_key_file: "public.pem" },
  both: { type: "aws-kms-ecdh", key_arn: arn, scheme: "static", curve: "P-256", public_key_file: "peer.pem" },
  opens: { type: "aws-kms-ecdh", key_arn: arn, scheme: "discovery", curve: "P-384", own_public_key_file: "own.pem" },
};
const stranger: Config["keys"] = {
  // @ts-expect-error a scheme that needs no KMS
  main: { type: "aws-kms-ecdh", key_arn: arn, scheme: "ephemeral", curve: "P-256", public_key_file: "peer.pem" },
};
// @ts-expect-error a padding that KMS does not know
const padding: Config["keys"] = { main: { type: "aws-kms-rsa", key_arn: arn, padding: "PKCS1" } };
// @ts-expect-error discovery without accounts
const unbounded: Config["keys"] = { main: { type: "aws-kms-discovery", partition: "aws" } };
// @ts-expect-error replicas without Regions
const nowhere: Config["keys"] = { main: { type: "aws-kms-mrk-discovery", accounts: ["111122223333"] } };
// @ts-expect-error no key type
const unknown: Config["keys"] = { main: { type: "aws-hsm", arn: "a" } };

const client: DynamoDBClient = seal(new DynamoDBClient({}), config);
const documents: DynamoDBDocumentClient = seal(DynamoDBDocumentClient.from(new DynamoDBClient({})), "dynaseal.toml");
const aggregated: DynamoDB = seal(new DynamoDB({}), { config: "dynaseal.toml" });
const document: DynamoDBDocument = seal(DynamoDBDocument.from(client), new URL("file:///dynaseal.toml"));
const dynaseal = new Dynaseal(config, { env: process.env });
const streams: DynamoDBStreamsClient = seal(new DynamoDBStreamsClient({}), dynaseal);
seal(new DynamoDBClient({}), config, { kms: new KMSClient({}), dynamodb: client, env: { VAULT_TOKEN: undefined } });
new Dynaseal(config, { kms: (region) => new KMSClient(region === undefined ? {} : { region }) });
// @ts-expect-error a Region is not a client
new Dynaseal(config, { kms: "eu-west-1" });
// @ts-expect-error not a client
seal({}, config);

export async function handler(): Promise<string> {
  try {
    const { email } = await dynaseal.openItem("Users", { userId: { S: "1" } });
    return String(email?.["S"]);
  } catch (error) {
    if (error instanceof DynasealError && error.kind === "data") return `${error.code}: ${error.hint}`;
    throw error;
  }
}

/** As @types/aws-lambda has it, in short. */
interface LambdaEvent {
  Records: { eventName?: "INSERT" | "MODIFY" | "REMOVE"; dynamodb?: LambdaChange | undefined }[];
}
interface LambdaChange {
  NewImage?: { [name: string]: { S?: string; B?: string } } | undefined;
  StreamViewType?: "NEW_IMAGE";
}

export async function onStream(event: LambdaEvent): Promise<(string | undefined)[]> {
  const { Records } = await dynaseal.openRecords(event, { table: "Users" });
  const record = Records[0] && (await dynaseal.openRecords(Records[0]));
  const opened: Opened<LambdaEvent>["Records"][number] | undefined = record;
  const image: AttributeMap | undefined = opened?.dynamodb?.NewImage;
  const bytes: Uint8Array | undefined = image?.["photo"]?.B;
  // @ts-expect-error what was text is bytes now
  const text: string | undefined = record?.dynamodb?.NewImage?.["photo"]?.B;
  // @ts-expect-error so it is no event of Lambda's any more
  const same: LambdaEvent = await dynaseal.openRecords(event);
  const view: "NEW_IMAGE" | undefined = record?.dynamodb?.StreamViewType;
  const answer: GetRecordsCommandOutput = await streams.send(new GetRecordsCommand({ ShardIterator: "x" }));
  const page = await dynaseal.openRecords(answer, { table: "Users" });
  const next: [string | undefined, Date | undefined] = [page.NextShardIterator, page.Records?.[0]?.dynamodb?.ApproximateCreationDateTime];
  const user = unmarshall(page.Records?.[0]?.dynamodb?.OldImage ?? {});
  // @ts-expect-error a misspelt option
  await dynaseal.openRecords(event, { tables: "Users" });
  return [record?.eventName, view, text, String([bytes, same, next, user]), ...Records.map(({ dynamodb }) => dynamodb?.NewImage?.["email"]?.S)];
}

export type Rules = TableConfig<User>;
export { aggregated, asymmetric, both, document, documents, ecdh, everything, keyed, kms, nowhere, open, padding };
export { stores, stranger, streams, twoKeys, unbounded, unknown, unused };

/** What Pipes hands over, and a line of an export. */
export async function otherForms(list: LambdaEvent["Records"], line: { Metadata: object; NewImage: { id: { S: string } } }): Promise<void> {
  const opened = await dynaseal.openRecords(list);
  const image: AttributeMap | undefined = opened[0]?.dynamodb?.NewImage;
  const one: AttributeMap = (await dynaseal.openRecords(line)).NewImage;
  // @ts-expect-error it is opened, whatever it was
  const id: { S: string } = (await dynaseal.openRecords(line)).NewImage.id;
  console.log(image, one, id);
}
