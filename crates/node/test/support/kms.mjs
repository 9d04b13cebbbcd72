// AWS KMS for tests: the fake_kms of this repository, which holds keys of its own making; and branch keys, made as DB-ESDK makes them.

import { createRequire } from "node:module";
import { startFakeKms } from "../../../../clients/servers.mjs";

const require = createRequire(import.meta.url);
export const kms = require("@aws-sdk/client-kms");

/** Starts it with keys of these ARNs, or `ARN=FILE` for one from a private key. */
export async function startKms(...keys) {
  const { url, stop } = await startFakeKms(keys);
  const control = async (init) => {
    const response = await fetch(`${url}/control`, init);
    if (!response.ok) throw new Error(`the KMS refused an order: ${await response.text()}`);
    return response.json();
  };
  return {
    url,
    /** See `testkit/src/fake_aws.rs`. */
    order: (order) => control({ method: "POST", body: JSON.stringify(order) }),
    /** What was called so far: operations and keys. */
    calls: async () => (await control()).calls,
    client: (region, more = {}) =>
      new kms.KMSClient({
        endpoint: url,
        region,
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
        ...more,
      }),
    stop,
  };
}

export const keyStoreSchema = (TableName) => ({
  TableName,
  KeySchema: [
    { AttributeName: "branch-key-id", KeyType: "HASH" },
    { AttributeName: "type", KeyType: "RANGE" },
  ],
  AttributeDefinitions: [
    { AttributeName: "branch-key-id", AttributeType: "S" },
    { AttributeName: "type", AttributeType: "S" },
  ],
  BillingMode: "PAY_PER_REQUEST",
});

/** The attributes of a branch key's first version and of its active record, without the key itself. */
export function records(id, kmsArn, version = crypto.randomUUID()) {
  const type = `branch:version:${version}`;
  const first = {
    "branch-key-id": id,
    type,
    "create-time": "2026-01-01T00:00:00.000000Z",
    "kms-arn": kmsArn,
    "hierarchy-version": "1",
    "aws-crypto-ec:tenant": id,
  };
  return [first, { ...first, type: "branch:ACTIVE", version: type }];
}

/** The record as an item. */
export const recordItem = ({ "hierarchy-version": hierarchy, ...texts }, enc) => ({
  ...Object.fromEntries(Object.entries(texts).map(([name, S]) => [name, { S }])),
  "hierarchy-version": { N: hierarchy },
  enc: { B: enc },
});

/** Makes a branch key, in the calls that DB-ESDK's key store makes; gives its two records as items. */
export async function branchKey(client, id, arn, tablename) {
  const [first, active] = records(id, arn);
  const fresh = { KeyId: arn, NumberOfBytes: 32, EncryptionContext: { ...first, tablename } };
  const { CiphertextBlob } = await client.send(new kms.GenerateDataKeyWithoutPlaintextCommand(fresh));
  const again = await client.send(
    new kms.ReEncryptCommand({
      CiphertextBlob,
      SourceKeyId: arn,
      SourceEncryptionContext: fresh.EncryptionContext,
      DestinationKeyId: arn,
      DestinationEncryptionContext: { ...active, tablename },
    }),
  );
  return [recordItem(first, CiphertextBlob), recordItem(active, again.CiphertextBlob)];
}

export const KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
export const FAR = "arn:aws:kms:us-west-2:111122223333:key/5678abcd-12ab-34cd-56ef-1234567890ab";

const table = (keys, partition_key) => ({
  keys,
  partition_key,
  suite: "hmac",
  default_action: "encrypt_and_sign",
});
/** Users under a KMS key, Orders under a branch key. */
export const config = {
  keys: {
    kms: { type: "aws-kms", key_arn: KEY },
    tenants: { type: "hierarchical", key_store_table: "KeyStore", kms_key_arn: KEY, branch_key_id: "tenant" },
  },
  tables: {
    Users: { ...table("kms", "id"), attributes: { id: "sign_only", tier: "sign_only" } },
    Orders: {
      ...table("tenants", "customer"),
      sort_key: "number",
      attributes: { customer: "sign_only", number: "sign_only" },
    },
  },
};
