// Every type of key ring: one that seals, one that opens what it sealed, and what each of both asks of KMS.

import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const EU = "eu-west-1";
export const US = "us-west-2";
const ACCOUNT = "111122223333";
const arn = (region, key) => `arn:aws:kms:${region}:${ACCOUNT}:${key}`;
const KEY = arn(EU, "key/1234abcd-12ab-34cd-56ef-1234567890ab");
const FAR = arn(US, "key/5678abcd-12ab-34cd-56ef-1234567890ab");
const ALIAS = arn(EU, "alias/app");
const NAMED = arn(EU, "key/9abcabcd-12ab-34cd-56ef-1234567890ab");
const MRK = arn(EU, "key/mrk-1234abcd12ab34cd56ef1234567890ab");
const REPLICA = arn(US, "key/mrk-1234abcd12ab34cd56ef1234567890ab");
const RSA = arn(EU, "key/aaaabbbb-12ab-34cd-56ef-1234567890ab");
const ECC = arn(EU, "key/ccccdddd-12ab-34cd-56ef-1234567890ab");

/** Branch keys of the key store, by the keys of KMS that protect them. */
export const branchKeys = { near: KEY, far: FAR, everywhere: MRK };

/**
 * The cases, the keys for KMS as `startKms` takes them, and `remove`, which removes their files. In a case, `open` is `seal` if
 * it is not there; `members` are the keys of a `multi`; `sealing` and `opening` are what KMS is asked, nothing if they are not
 * there, and `instead` what it is asked where the first key of `opening` is disabled. `only` says of which the two is capable.
 */
export async function rings() {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-rings-"));
  const file = async (name, text) => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const pair = async (name, type, options) => {
    const { publicKey, privateKey } = generateKeyPairSync(type, options);
    return {
      public: await file(`${name}-public.pem`, publicKey.export({ type: "spki", format: "pem" })),
      private: await file(`${name}-private.pem`, privateKey.export({ type: "pkcs8", format: "pem" })),
    };
  };
  const rsa = await pair("rsa", "rsa", { modulusLength: 2048 });
  const kmsRsa = await pair("kms-rsa", "rsa", { modulusLength: 2048 });
  const [one, other, kmsEcc] = await Promise.all(
    ["one", "other", "kms-ecc"].map((name) => pair(name, "ec", { namedCurve: "P-256" })),
  );
  const version = randomUUID();
  const branchKeyFile = JSON.stringify({
    branch_key_id: "local",
    active_version: version,
    versions: { [version]: randomBytes(32).toString("base64") },
  });

  const rawRsa = { type: "raw-rsa", namespace: "node", name: "test key", padding: "OAEP_SHA256" };
  const rawEcdh = { type: "raw-ecdh", curve: "P-256" };
  const kmsEcdh = { type: "aws-kms-ecdh", key_arn: ECC, curve: "P-256" };
  const withOther = { ...kmsEcdh, scheme: "static", public_key_file: other.public };
  const agrees = [["GetPublicKey", ECC], ["DeriveSharedSecret", ECC]];
  const store = { type: "hierarchical", key_store_table: "KeyStore" };
  const members = { near: { type: "aws-kms", key_arn: KEY }, distant: { type: "aws-kms", key_arn: FAR } };
  const cases = {
    "raw-aes": { seal: { type: "raw-aes", namespace: "node", name: "test key", key_env: "DYNASEAL_TEST_KEY" } },
    "raw-rsa": {
      seal: { ...rawRsa, public_key_file: rsa.public },
      open: { ...rawRsa, private_key_file: rsa.private },
      only: "seals",
    },
    "raw-ecdh, static": {
      seal: { ...rawEcdh, scheme: "static", private_key_file: one.private, public_key_file: other.public },
      open: { ...rawEcdh, scheme: "static", private_key_file: other.private, public_key_file: one.public },
    },
    "raw-ecdh, ephemeral and discovery": {
      seal: { ...rawEcdh, scheme: "ephemeral", public_key_file: other.public },
      open: { ...rawEcdh, scheme: "discovery", private_key_file: other.private },
      only: "both",
    },
    "branch-key-file": {
      seal: { type: "branch-key-file", file: await file("branch-keys.json", branchKeyFile), branch_key_id: "local" },
    },
    "aws-kms": {
      seal: { type: "aws-kms", key_arn: KEY },
      sealing: [["GenerateDataKey", KEY]],
      opening: [["Decrypt", KEY]],
    },
    "aws-kms, by its alias": {
      seal: { type: "aws-kms", key_arn: ALIAS },
      sealing: [["GenerateDataKey", ALIAS]],
      open: { type: "aws-kms", key_arn: NAMED },
      opening: [["Decrypt", NAMED]],
      only: "seals",
    },
    "aws-kms, by a bare alias": {
      seal: { type: "aws-kms", key_arn: "alias/app" },
      sealing: [["GenerateDataKey", "alias/app"]],
      open: { type: "aws-kms", key_arn: NAMED },
      opening: [["Decrypt", NAMED]],
      only: "seals",
    },
    "aws-kms-mrk": {
      seal: { type: "aws-kms-mrk", key_arn: MRK },
      sealing: [["GenerateDataKey", MRK]],
      open: { type: "aws-kms-mrk", key_arn: MRK, region: US },
      opening: [["Decrypt", REPLICA]],
    },
    "aws-kms-discovery": {
      seal: { type: "aws-kms", key_arn: FAR },
      sealing: [["GenerateDataKey", FAR]],
      open: { type: "aws-kms-discovery", accounts: [ACCOUNT] },
      opening: [["Decrypt", FAR]],
      only: "opens",
    },
    "aws-kms-mrk-discovery": {
      seal: { type: "aws-kms-mrk", key_arn: MRK },
      sealing: [["GenerateDataKey", MRK]],
      open: { type: "aws-kms-mrk-discovery", accounts: [ACCOUNT], regions: [US, EU] },
      opening: [["Decrypt", REPLICA]],
      instead: [["Decrypt", REPLICA], ["Decrypt", MRK]],
      only: "opens",
    },
    "aws-kms-rsa": {
      seal: { type: "aws-kms-rsa", key_arn: RSA, padding: "OAEP_SHA256", public_key_file: kmsRsa.public },
      open: { type: "aws-kms-rsa", key_arn: RSA, padding: "OAEP_SHA256" },
      opening: [["Decrypt", RSA]],
      only: "opens",
    },
    "aws-kms-ecdh, static": { seal: withOther, sealing: agrees, opening: agrees },
    "aws-kms-ecdh, static, by the other party": {
      seal: withOther,
      sealing: agrees,
      open: { ...rawEcdh, scheme: "static", private_key_file: other.private, public_key_file: kmsEcc.public },
    },
    "aws-kms-ecdh, discovery": {
      seal: { ...rawEcdh, scheme: "ephemeral", public_key_file: kmsEcc.public },
      open: { ...kmsEcdh, scheme: "discovery", own_public_key_file: kmsEcc.public },
      opening: [["DeriveSharedSecret", ECC]],
      only: "both",
    },
    hierarchical: {
      seal: { ...store, kms_key_arn: KEY, branch_key_id: "near" },
      sealing: [["Decrypt", KEY]],
      opening: [["Decrypt", KEY]],
    },
    "hierarchical, kms_mrk_key_arn": {
      seal: { ...store, kms_mrk_key_arn: MRK, branch_key_id: "everywhere" },
      sealing: [["Decrypt", MRK]],
      open: { ...store, kms_mrk_key_arn: REPLICA, branch_key_id: "everywhere" },
      opening: [["Decrypt", REPLICA]],
    },
    'hierarchical, kms = "discovery"': {
      seal: { ...store, kms: "discovery", accounts: [ACCOUNT], branch_key_id: "far" },
      sealing: [["Decrypt", FAR]],
      opening: [["Decrypt", FAR]],
    },
    'hierarchical, kms = "discovery" in Regions': {
      seal: { ...store, kms_key_arn: MRK, branch_key_id: "everywhere" },
      sealing: [["Decrypt", MRK]],
      open: { ...store, kms: "discovery", accounts: [ACCOUNT], regions: [US, EU], branch_key_id: "everywhere" },
      opening: [["Decrypt", REPLICA]],
      instead: [["Decrypt", REPLICA], ["Decrypt", MRK]],
    },
    multi: {
      seal: { type: "multi", generator: "near", children: ["distant"] },
      sealing: [["GenerateDataKey", KEY], ["GenerateDataKey", FAR]],
      opening: [["Decrypt", KEY]],
      instead: [["Decrypt", KEY], ["Decrypt", FAR]],
      members,
    },
  };
  return {
    cases: Object.entries(cases).map(([name, { seal, open = seal, sealing = [], opening = [], ...more }], at) => ({
      name,
      table: `Ring${at}`,
      ...{ seal, open, sealing, opening, ...more },
    })),
    keys: [KEY, FAR, `${NAMED}=alias/app`, MRK, REPLICA, `${RSA}=${kmsRsa.private}`, `${ECC}=${kmsEcc.private}`],
    remove: () => rm(folder, { recursive: true }),
  };
}

/** A configuration for cases, each with its table under the key ring that `side` names. */
export function configOf(cases, side) {
  const keys = {};
  const tables = {};
  for (const { table, [side]: ring, members = {} } of cases) {
    keys[table] = ring;
    if (ring.type === "multi") Object.assign(keys, members);
    tables[table] = {
      keys: table,
      partition_key: "id",
      suite: "hmac",
      default_action: "encrypt_and_sign",
      attributes: { id: "sign_only" },
    };
  }
  return { keys, tables };
}

/** A configuration as text, for other programs. */
export function tomlOf({ keys, tables }) {
  const value = (given) =>
    typeof given !== "object" || Array.isArray(given)
      ? JSON.stringify(given)
      : `{ ${Object.entries(given).map(([name, one]) => `${JSON.stringify(name)} = ${value(one)}`).join(", ")} }`;
  const section = (kind) => ([name, settings]) =>
    [`[${kind}.${name}]`, ...Object.entries(settings).map(([setting, given]) => `${setting} = ${value(given)}`)].join("\n");
  return [...Object.entries(keys).map(section("keys")), ...Object.entries(tables).map(section("tables"))].join("\n\n");
}
