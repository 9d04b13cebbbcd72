// The tables of these tests: the same rules as an object and as text, which other programs read.

export const config = {
  keys: { test: { type: "raw-aes", namespace: "node", name: "test key", key_env: "DYNASEAL_TEST_KEY" } },
  tables: {
    Users: {
      keys: "test",
      partition_key: "id",
      suite: "hmac",
      default_action: "encrypt_and_sign",
      attributes: { id: "sign_only", tier: "sign_only" },
      unsigned: ["views"],
    },
    Orders: {
      keys: "test",
      partition_key: "customer",
      sort_key: "number",
      default_action: "encrypt_and_sign",
      attributes: { customer: "sign_only", number: "sign_only" },
    },
    // As ElectroDB and dynamodb-toolbox name their keys and what they add to an item.
    Entities: {
      keys: "test",
      partition_key: "pk",
      sort_key: "sk",
      suite: "hmac",
      default_action: "encrypt_and_sign",
      attributes: {
        pk: "sign_only",
        sk: "sign_only",
        __edb_e__: "sign_only",
        __edb_v__: "sign_only",
        _et: "sign_only",
      },
    },
  },
};

export const toml = `
[keys.test]
type = "raw-aes"
namespace = "node"
name = "test key"
key_env = "DYNASEAL_TEST_KEY"

[tables.Users]
keys = "test"
partition_key = "id"
suite = "hmac"
default_action = "encrypt_and_sign"
unsigned = ["views"]
attributes = { id = "sign_only", tier = "sign_only" }

[tables.Orders]
keys = "test"
partition_key = "customer"
sort_key = "number"
default_action = "encrypt_and_sign"
attributes = { customer = "sign_only", number = "sign_only" }

[tables.Entities]
keys = "test"
partition_key = "pk"
sort_key = "sk"
suite = "hmac"
default_action = "encrypt_and_sign"
attributes = { pk = "sign_only", sk = "sign_only", __edb_e__ = "sign_only", __edb_v__ = "sign_only", _et = "sign_only" }
`;

const string = (AttributeName) => ({ AttributeName, AttributeType: "S" });
const number = (AttributeName) => ({ AttributeName, AttributeType: "N" });
const hash = (AttributeName) => ({ AttributeName, KeyType: "HASH" });
const range = (AttributeName) => ({ AttributeName, KeyType: "RANGE" });
const onDemand = { BillingMode: "PAY_PER_REQUEST" };

/** As CreateTable takes them. */
export const schemas = [
  { TableName: "Users", KeySchema: [hash("id")], AttributeDefinitions: [string("id")], ...onDemand },
  {
    TableName: "Orders",
    KeySchema: [hash("customer"), range("number")],
    AttributeDefinitions: [string("customer"), number("number")],
    ...onDemand,
  },
  {
    TableName: "Entities",
    KeySchema: [hash("pk"), range("sk")],
    AttributeDefinitions: [string("pk"), string("sk")],
    ...onDemand,
  },
  { TableName: "Plain", KeySchema: [hash("id")], AttributeDefinitions: [string("id")], ...onDemand },
  // With streams, for records.test.mjs.
  ...["Watched", "Unwatched", "any-1", "any-2"].map((TableName) => ({
    TableName,
    KeySchema: [hash("id")],
    AttributeDefinitions: [string("id")],
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    ...onDemand,
  })),
];
