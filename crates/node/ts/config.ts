// The configuration as an object: the same structure and words as dynaseal.toml.

/** A configuration, or the path of a `dynaseal.toml`. Paths start from the folder of the process. */
export type ConfigSource = string | URL | { readonly config: string | URL } | Config;

/** A whole configuration. */
export interface Config {
  /** Who can open items, by name. */
  readonly keys: Readonly<Record<string, KeyConfig>>;
  /** The protected tables, by name or by a pattern of names such as `prod-*`. */
  readonly tables: Tables;
  /** What becomes of calls on all other tables: they pass through untouched, or are refused. `pass` by default. */
  readonly other_tables?: "pass" | "refuse";
  /** Whether it is meant that no table is protected. */
  readonly allow_no_tables?: boolean;
}

/** The protected tables. A name with a `*` is a pattern. */
export interface Tables {
  readonly [name: string]: TableConfig<any> | PatternConfig;
  readonly [pattern: `${string}*${string}`]: PatternConfig;
}

/** Who can open items: a key, or several. What each asks of KMS and which to take: docs/KEYS.md. */
export type KeyConfig = (OneKeyConfig & DataKeys) | MultiConfig;

type OneKeyConfig =
  | RawAesConfig
  | RawRsaConfig
  | RawEcdhConfig
  | AwsKmsConfig
  | AwsKmsMrkConfig
  | AwsKmsDiscoveryConfig
  | AwsKmsMrkDiscoveryConfig
  | AwsKmsRsaConfig
  | AwsKmsEcdhConfig
  | BranchKeyFileConfig
  | HierarchicalConfig;

interface DataKeys {
  /** How many encrypted data keys of this key an item may have; more are refused before KMS is called. 3 if not said, 10 for discovery. */
  readonly max_encrypted_data_keys?: number;
}

/** An AES key of 32, 48 or 64 hexadecimal digits, from the environment or from a file. */
export type RawAesConfig = { readonly type: "raw-aes" } & KeyName &
  (
    | {
        /** The variable that holds it. */
        readonly key_env: string;
        readonly key_file?: never;
      }
    | {
        /** The file that holds it, which only its owner should read. */
        readonly key_file: string;
        readonly key_env?: never;
      }
  );

/** What a key is called in every item that it seals. Who is to open them needs the same names; they are not secret. */
interface KeyName {
  readonly namespace: string;
  readonly name: string;
}

/** An RSA key: the private one seals and opens, the public one only seals. */
export interface RawRsaConfig extends KeyName {
  readonly type: "raw-rsa";
  readonly padding: "PKCS1" | "OAEP_SHA1" | "OAEP_SHA256" | "OAEP_SHA384" | "OAEP_SHA512";
  /** PEM, not encrypted, in a file that only its owner should read. */
  readonly private_key_file?: string;
  /** PEM. */
  readonly public_key_file?: string;
}

/**
 * What two elliptic-curve keys agree on: `static` seals and opens, `ephemeral` only seals, `discovery` only opens, whoever
 * sealed. The private key is one's own, the public key the other party's; both are files of PEM.
 */
export type RawEcdhConfig = { readonly type: "raw-ecdh"; readonly curve: "P-256" | "P-384" | "P-521" } & (
  | { readonly scheme: "static"; readonly private_key_file: string; readonly public_key_file: string }
  | { readonly scheme: "ephemeral"; readonly public_key_file: string; readonly private_key_file?: never }
  | { readonly scheme: "discovery"; readonly private_key_file: string; readonly public_key_file?: never }
);

/** A key of AWS KMS. By its ARN it seals and opens; by an alias it only seals, since items name keys by ARN. */
export interface AwsKmsConfig extends GrantTokens {
  readonly type: "aws-kms";
  readonly key_arn: string;
}

interface GrantTokens {
  /** They go with every call of KMS; needed only until a grant that was just made has spread. At most 10. */
  readonly grant_tokens?: readonly string[];
}

/** A multi-Region key of AWS KMS, which also opens what its replicas sealed. */
export interface AwsKmsMrkConfig extends GrantTokens {
  readonly type: "aws-kms-mrk";
  /** That of any replica. */
  readonly key_arn: string;
  /** The Region whose replica is called; that of the ARN by default. */
  readonly region?: string;
}

/** Whichever AWS KMS key of these accounts sealed the item. It opens and cannot seal. */
export interface AwsKmsDiscoveryConfig extends GrantTokens {
  readonly type: "aws-kms-discovery";
  /** Their numbers. An item says which key to ask, and whoever writes to the table writes that; so name only accounts you trust. */
  readonly accounts: readonly string[];
  /** `aws` by default. */
  readonly partition?: string;
  /** The only Regions whose keys are asked. */
  readonly regions?: readonly string[];
}

/** The same, of multi-Region keys by their replicas in these Regions, in this order. */
export interface AwsKmsMrkDiscoveryConfig extends Omit<AwsKmsDiscoveryConfig, "type" | "regions"> {
  readonly type: "aws-kms-mrk-discovery";
  readonly regions: readonly string[];
}

/** An RSA key of AWS KMS, which opens; its public key seals. For tables with `suite: "hmac"`. */
export interface AwsKmsRsaConfig extends GrantTokens {
  readonly type: "aws-kms-rsa";
  readonly key_arn: string;
  readonly padding: "OAEP_SHA1" | "OAEP_SHA256";
  /** PEM, as GetPublicKey gave it; sealing then asks nobody. Without it the key only opens. */
  readonly public_key_file?: string;
}

/**
 * What an elliptic-curve key of AWS KMS and another agree on: `static` seals and opens, `discovery` only opens, whoever sealed.
 * For `@aws-sdk/client-kms` that knows DeriveSharedSecret.
 */
export type AwsKmsEcdhConfig = {
  readonly type: "aws-kms-ecdh";
  readonly key_arn: string;
  readonly curve: "P-256" | "P-384" | "P-521";
  /** PEM: the public half of the key in KMS, which is asked for it once if it is not given. */
  readonly own_public_key_file?: string;
} & GrantTokens &
  (
    | {
        readonly scheme: "static";
        /** PEM: the other party's. */
        readonly public_key_file: string;
      }
    | { readonly scheme: "discovery"; readonly public_key_file?: never }
  );

/** Branch keys in a local key store. */
export type BranchKeyFileConfig = {
  readonly type: "branch-key-file";
  /** JSON; only its owner should read it. */
  readonly file: string;
} & CacheConfig &
  BranchKeyChoice;

/** Branch keys in a table of DynamoDB, each protected by AWS KMS: the key store of DB-ESDK. `dynaseal keys` makes them. */
export type HierarchicalConfig = {
  readonly type: "hierarchical";
  /** The table's name. */
  readonly key_store_table: string;
  /** The name to which every branch key is bound; the table's own if not said. */
  readonly logical_key_store_name?: string;
} & GrantTokens &
  KmsKeyChoice &
  CacheConfig &
  BranchKeyChoice;

/**
 * Who protects the branch keys: one KMS key; a multi-Region one with its replicas; the one of these accounts that each branch
 * key names, which cannot make or rotate any; or a key of Vault, which only Dynaseal can use.
 */
type KmsKeyChoice =
  | Only<"kms_key_arn", { readonly kms_key_arn: string }>
  | Only<"kms_mrk_key_arn", { readonly kms_mrk_key_arn: string }>
  | Only<"kms", { readonly kms: "discovery" } & Accounts>
  | Only<
      "vault_key",
      {
        /** The name of a key of the transit engine. `VAULT_ADDR` and `VAULT_TOKEN` or `VAULT_TOKEN_FILE` lead there. */
        readonly vault_key: string;
        /** Where the engine is mounted; `transit` if not said. */
        readonly vault_mount?: string;
      }
    >;

interface Accounts {
  readonly accounts: readonly string[];
  /** `aws` if not said. */
  readonly partition?: string;
  /** The only Regions that are called; of a multi-Region key its replicas there, one after the other. */
  readonly regions?: readonly string[];
}

type KmsKeyName = "kms_key_arn" | "kms_mrk_key_arn" | "kms" | "vault_key";
type Only<Name extends KmsKeyName, Settings> = Settings & { readonly [Other in Exclude<KmsKeyName, Name>]?: never };

/** How long keys that were fetched are used. */
type CacheConfig = {
  /** For how many seconds a key is used; 3600 if not said. */
  readonly cache_ttl?: number;
  /** How many keys are held; 1000 if not said. */
  readonly cache_capacity?: number;
  /** The last share of its time in which a key is fetched anew while it still serves, from 0 to 0.9; 0.2 if not said. */
  readonly cache_refresh_early?: number;
} & (
  | { readonly when_unavailable?: "fail"; readonly keep_for?: never }
  /** While the store is down, a key serves for this many seconds after its time. */
  | { readonly when_unavailable: "keep"; readonly keep_for: number }
);

/** One branch key for all items, or the one whose id stands in an attribute of the item. */
type BranchKeyChoice =
  | { readonly branch_key_id: string; readonly branch_key_id_attribute?: never }
  | { readonly branch_key_id_attribute: string; readonly branch_key_id?: never };

/** Several keys: items are sealed for all of them, and each opens. */
export interface MultiConfig {
  readonly type: "multi";
  /** The name of a key in `keys` that goes before the children. */
  readonly generator?: string;
  /** Names of keys in `keys`, in the order in which they are asked. Those that only open are not sealed for. */
  readonly children?: readonly string[];
}

/**
 * What happens to an attribute. `sign_only` leaves it readable; `sign_and_include_in_encryption_context` also binds the item's
 * keys to it, which shows it to AWS KMS and its logs; `do_nothing` lets whoever can write to the table change it.
 */
export type Action = "encrypt_and_sign" | "sign_only" | "sign_and_include_in_encryption_context" | "do_nothing";

/** One protected table; `Item` is what its items look like, so that a misspelt attribute is a type error. */
export interface TableConfig<Item = any> {
  /** The name of a key in `keys`. */
  readonly keys: string;
  /** The table's own, as CreateTable named them. */
  readonly partition_key: AttributeName<Item>;
  readonly sort_key?: AttributeName<Item>;
  /** The name that is signed; the table's own by default. */
  readonly logical_name?: string;
  /** With `ecdsa-p384`, the default, who can open an item and not seal cannot alter it, either; `hmac` is faster and smaller. */
  readonly suite?: "ecdsa-p384" | "hmac";
  /** The action of attributes that are not listed; without it an item with one is refused. */
  readonly default_action?: Action;
  /** What happens to each attribute. */
  readonly attributes?: { readonly [Name in AttributeName<Item>]?: Action };
  /** Attributes that are never signed. */
  readonly unsigned?: readonly AttributeName<Item>[];
  /** Attributes whose names begin so are never signed, either. */
  readonly unsigned_prefix?: string;
  /** What may be stored or read unsealed, for migrations. */
  readonly plaintext?: "forbid" | "read" | "write";
}

/**
 * Every table whose name matches, unless it is listed by its own or a closer pattern matches. Each signs its own name. DynamoDB
 * is asked which attributes are its keys; only those that the pattern itself stores readable, such as by `sign_only`, can be.
 */
export interface PatternConfig extends Omit<TableConfig, KeyNames> {
  readonly partition_key?: never;
  readonly sort_key?: never;
  readonly logical_name?: never;
}

type KeyNames = "partition_key" | "sort_key" | "logical_name";

/** The name of an attribute of such items. */
export type AttributeName<Item> = keyof Item & string;

/** The rules of a table whose items have a type: `defineTable<User>({ … })`. */
export function defineTable<Item = any>(table: TableConfig<Item>): TableConfig<Item> {
  return table;
}
