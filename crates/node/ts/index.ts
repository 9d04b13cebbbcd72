// dynaseal for Node.js: seals the items of an AWS SDK v3 client.
//
//   seal.ts       a client's middlewares         redact.ts      what logs may show
//   exchange.ts   one request through the SDK    http.ts        requests and answers by their shape
//   call.ts       one call of the engine         native.ts      the native module
//   dynaseal.ts   a configuration, and items     attributes.ts  attribute values and JSON
//   services.ts   calls of KMS and key store     vault.ts       calls of Vault
//   config.ts     the configuration's types      source.ts      a configuration as it is given
//   options.ts    options as they are given      retry.ts       a few tries, and no more in an outage
//   records.ts    stream records                 pause.ts       waits that end
//   check.ts      what functions are given
//
//   koa/, egress/ are entries of their own: the middlewares around a service, and what guards its outgoing connections

export type { AttributeInput, AttributeMap, AttributeValue, ItemInput } from "./attributes.js";
export {
  type Action,
  type AttributeName,
  type AwsKmsConfig,
  type AwsKmsDiscoveryConfig,
  type AwsKmsEcdhConfig,
  type AwsKmsMrkConfig,
  type AwsKmsMrkDiscoveryConfig,
  type AwsKmsRsaConfig,
  type BranchKeyFileConfig,
  type Config,
  type ConfigSource,
  defineTable,
  type HierarchicalConfig,
  type KeyConfig,
  type MultiConfig,
  type PatternConfig,
  type RawAesConfig,
  type RawEcdhConfig,
  type RawRsaConfig,
  type TableConfig,
} from "./config.js";
export { Dynaseal, type RecordsOptions } from "./dynaseal.js";
export { DynasealError, type Fault, type Kind } from "./errors.js";
export type { Options } from "./options.js";
export type { Opened } from "./records.js";
export { seal, type Sealable } from "./seal.js";
export type { Sender, SenderOf, ServiceOptions } from "./services.js";
