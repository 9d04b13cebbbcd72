//! AWS's side: its item encryptor over its key rings.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use aws_db_esdk::CryptoAction;
use aws_db_esdk::dynamodb::operation::get_branch_key_id_from_ddb_key::{
    GetBranchKeyIdFromDdbKeyInput, GetBranchKeyIdFromDdbKeyOutput,
};
use aws_db_esdk::dynamodb::types::DynamoDbKeyBranchKeyIdSupplier;
use aws_db_esdk::dynamodb::types::dynamo_db_encryption_config::DynamoDbEncryptionConfig;
use aws_db_esdk::item_encryptor::client::Client;
use aws_db_esdk::item_encryptor::types::dynamo_db_item_encryptor_config::DynamoDbItemEncryptorConfig;
pub use aws_db_esdk::key_store::client::Client as KeyStore;
pub use aws_db_esdk::key_store::types::KmsConfiguration;
use aws_db_esdk::key_store::types::key_store_config::KeyStoreConfig;
use aws_db_esdk::key_store::types::{Discovery, MrDiscovery};
use aws_db_esdk::material_providers::client::Client as Providers;
use aws_db_esdk::material_providers::types::keyring::KeyringRef;
use aws_db_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig;
use aws_db_esdk::material_providers::types::{AesWrappingAlg, DbeAlgorithmSuiteId, DiscoveryFilter, PaddingScheme};
use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use aws_smithy_types::Blob;
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::testing::FakeAws;
use tokio::runtime::Runtime;

use crate::rings::{BRANCH_KEYS, BY_AWS, BY_US, NAMESPACE, Ring, RsaPair};
use crate::standin;
use crate::values::Attributes;

/// AWS's library with one key ring of each kind.
pub struct Aws {
    /// Its crypto calls are synchronous underneath, but they find the key store through a runtime, and on a
    /// single-threaded one each of them would start a thread.
    runtime: Runtime,
    rings: BTreeMap<Ring, KeyringRef>,
    services: FakeAws,
}

/// One table's item encryptor.
pub struct Encryptor<'a> {
    runtime: &'a Runtime,
    client: Client,
}

impl Aws {
    /// Builds the key rings.
    pub fn new(rsa: &RsaPair, services: &FakeAws) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let mut rings = BTreeMap::new();
        for ring in Ring::ALL.into_iter().chain(Ring::OPENING) {
            if !matches!(ring, Ring::Multi | Ring::BranchPerTenant) {
                rings.insert(ring, runtime.block_on(keyring(ring, rsa, services)));
            }
        }
        let multi = runtime.block_on(multi(&rings));
        rings.insert(Ring::Multi, multi);
        Self { runtime, rings, services: services.clone() }
    }

    /// The encryptor for a table, or why AWS refuses the configuration.
    pub fn encryptor(&self, table: &SchemaSpec, ring: Ring) -> Result<Encryptor<'_>, String> {
        let keyring = match ring {
            Ring::BranchPerTenant => self.runtime.block_on(per_tenant(table.partition_key.clone(), &self.services)),
            ring => self.rings[&ring].clone(),
        };
        self.encryptor_with(table, keyring)
    }

    /// The encryptor for a table with another key ring.
    pub fn encryptor_with(&self, table: &SchemaSpec, keyring: KeyringRef) -> Result<Encryptor<'_>, String> {
        let suite = match table.suite {
            Suite::Hmac => DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeySymsigHmacSha384,
            Suite::EcdsaP384 => DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeyEcdsaP384SymsigHmacSha384,
        };
        let actions: HashMap<_, _> =
            table.actions.iter().map(|(name, action)| (name.clone(), crypto_action(*action))).collect();
        let unsigned = (!table.unsigned.is_empty()).then(|| table.unsigned.clone());
        let config = DynamoDbItemEncryptorConfig::builder()
            .logical_table_name(&table.logical_name)
            .partition_key_name(&table.partition_key)
            .set_sort_key_name(table.sort_key.clone())
            .attribute_actions_on_encrypt(actions)
            .set_allowed_unsigned_attributes(unsigned)
            .set_allowed_unsigned_attribute_prefix(table.unsigned_prefix.clone())
            .algorithm_suite_id(suite)
            .keyring(keyring)
            .build();
        let config = config.map_err(|error| error.to_string())?;
        let client = guarded(|| Client::from_conf(config).map_err(|error| error.to_string()))?;
        Ok(Encryptor { runtime: &self.runtime, client })
    }

    /// A client of the key store in the table that both sides use; its KMS client is in a Region.
    pub fn key_store(&self, keys: KmsConfiguration, region: &'static str) -> KeyStore {
        key_store(keys, region, &self.services)
    }

    /// A key ring over one branch key of a key store.
    pub fn hierarchical(&self, store: KeyStore, id: &str) -> KeyringRef {
        self.runtime.block_on(hierarchical(store, id))
    }

    /// Waits for a call of AWS's crate.
    pub fn run<T, E: std::fmt::Display>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, String> {
        guarded(|| self.runtime.block_on(call).map_err(|error| error.to_string()))
    }
}

impl Encryptor<'_> {
    /// Seals an item.
    pub fn seal(&self, item: &Attributes) -> Result<Attributes, String> {
        let item: HashMap<_, _> = item.clone().into_iter().collect();
        guarded(|| {
            let answer = self.runtime.block_on(self.client.encrypt_item().plaintext_item(item).send());
            let item = answer.map_err(|error| error.to_string())?.encrypted_item.ok_or("no item")?;
            Ok(item.into_iter().collect())
        })
    }

    /// Opens an item.
    pub fn open(&self, item: &Attributes) -> Result<Attributes, String> {
        let item: HashMap<_, _> = item.clone().into_iter().collect();
        guarded(|| {
            let answer = self.runtime.block_on(self.client.decrypt_item().encrypted_item(item).send());
            let item = answer.map_err(|error| error.to_string())?.plaintext_item.ok_or("no item")?;
            Ok(item.into_iter().collect())
        })
    }
}

/// A panic of AWS's crate is a refusal here; it has many paths that end in one.
fn guarded<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    INSIDE.set(true);
    let result = catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err("panicked".to_owned()));
    INSIDE.set(false);
    result
}

/// Keeps panics of AWS's crate out of the output; ours still show.
pub fn silence_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !INSIDE.get() {
            print(info);
        }
    }));
}

thread_local! {
    /// Whether this thread is inside AWS's crate.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

async fn keyring(ring: Ring, rsa: &RsaPair, services: &FakeAws) -> KeyringRef {
    let kms = || standin::kms(services, standin::REGION);
    let store = || key_store(one_key(), standin::REGION, services);
    let aes = async |algorithm| {
        let builder = providers().create_raw_aes_keyring().key_namespace(NAMESPACE).key_name(ring.key_name());
        builder.wrapping_key(ring.aes_key()).wrapping_alg(algorithm).send().await.expect("a raw AES key ring")
    };
    let raw_rsa = async |padding| {
        let builder = providers().create_raw_rsa_keyring().key_namespace(NAMESPACE).key_name(ring.key_name());
        let builder = builder.padding_scheme(padding).public_key(rsa.public_pem.as_bytes());
        builder.private_key(rsa.private_pem.as_bytes()).send().await.expect("a raw RSA key ring")
    };
    match ring {
        Ring::Aes128 => aes(AesWrappingAlg::AlgAes128GcmIv12Tag16).await,
        Ring::Aes192 => aes(AesWrappingAlg::AlgAes192GcmIv12Tag16).await,
        Ring::Aes256 => aes(AesWrappingAlg::AlgAes256GcmIv12Tag16).await,
        Ring::RsaPkcs1 => raw_rsa(PaddingScheme::Pkcs1).await,
        Ring::RsaOaepSha1 => raw_rsa(PaddingScheme::OaepSha1Mgf1).await,
        Ring::RsaOaepSha256 => raw_rsa(PaddingScheme::OaepSha256Mgf1).await,
        Ring::RsaOaepSha384 => raw_rsa(PaddingScheme::OaepSha384Mgf1).await,
        Ring::RsaOaepSha512 => raw_rsa(PaddingScheme::OaepSha512Mgf1).await,
        Ring::Branch => hierarchical(store(), BRANCH_KEYS[0].id).await,
        Ring::StoreByAws => hierarchical(store(), BY_AWS).await,
        Ring::StoreByUs => hierarchical(store(), BY_US).await,
        Ring::Kms => {
            let builder = providers().create_aws_kms_keyring().kms_client(kms());
            builder.kms_key_id(standin::KMS_ARN).send().await.expect("a KMS key ring")
        }
        Ring::KmsMultiRegion => {
            let builder = providers().create_aws_kms_mrk_keyring().kms_client(kms());
            builder.kms_key_id(standin::MRK_ARN).send().await.expect("a multi-Region key ring")
        }
        Ring::KmsDiscovery => {
            let builder = providers().create_aws_kms_discovery_keyring().kms_client(kms());
            builder.discovery_filter(any_key()).send().await.expect("a discovery key ring")
        }
        Ring::KmsMultiRegionDiscovery => {
            let builder = providers().create_aws_kms_mrk_discovery_keyring().kms_client(kms());
            let builder = builder.discovery_filter(any_key()).region(standin::REGION);
            builder.send().await.expect("a multi-Region discovery key ring")
        }
        Ring::KmsRsa => {
            let builder = providers().create_aws_kms_rsa_keyring().kms_client(kms()).kms_key_id(standin::RSA_ARN);
            let builder = builder.public_key(Blob::new(rsa.public_pem.as_bytes()));
            let builder = builder.encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha256);
            builder.send().await.expect("a KMS RSA key ring")
        }
        Ring::BranchPerTenant | Ring::Multi => unreachable!("made of others"),
    }
}

async fn multi(rings: &BTreeMap<Ring, KeyringRef>) -> KeyringRef {
    let [generator, children @ ..] = Ring::MULTI;
    let children: Vec<KeyringRef> = children.iter().map(|ring| rings[ring].clone()).collect();
    let builder = providers().create_multi_keyring().generator(rings[&generator].clone());
    builder.child_keyrings(children).send().await.expect("a multi key ring")
}

async fn per_tenant(attribute: String, services: &FakeAws) -> KeyringRef {
    let config = DynamoDbEncryptionConfig::builder().build().expect("a configuration");
    let client = aws_db_esdk::dynamodb::client::Client::from_conf(config).expect("a client");
    let builder = client.create_dynamo_db_encryption_branch_key_id_supplier();
    let answer = builder.ddb_key_branch_key_id_supplier(Tenant { attribute }).send().await.expect("a supplier");
    let supplier = answer.branch_key_id_supplier.expect("a supplier");
    let builder =
        providers().create_aws_kms_hierarchical_keyring().key_store(key_store(one_key(), standin::REGION, services));
    builder.branch_key_id_supplier(supplier).ttl_seconds(600).send().await.expect("a hierarchical key ring")
}

/// The value of one key attribute is the branch key id.
struct Tenant {
    attribute: String,
}

impl DynamoDbKeyBranchKeyIdSupplier for Tenant {
    fn get_branch_key_id_from_ddb_key(
        &self,
        input: GetBranchKeyIdFromDdbKeyInput,
    ) -> Result<GetBranchKeyIdFromDdbKeyOutput, aws_db_esdk::dynamodb::types::error::Error> {
        let id = input.ddb_key.as_ref().and_then(|key| key.get(&self.attribute)?.as_s().ok());
        let refuse = |message: &str| aws_db_esdk::dynamodb::types::error::Error::DynamoDbEncryptionException {
            message: message.to_owned(),
        };
        let id = id.ok_or_else(|| refuse("no tenant"))?;
        GetBranchKeyIdFromDdbKeyOutput::builder().branch_key_id(id).build().map_err(|_| refuse("no output"))
    }
}

fn providers() -> Providers {
    Providers::from_conf(MaterialProvidersConfig::builder().build().expect("a configuration")).expect("a client")
}

fn key_store(keys: KmsConfiguration, region: &'static str, services: &FakeAws) -> KeyStore {
    let config = KeyStoreConfig::builder()
        .ddb_client(standin::dynamodb(services))
        .kms_client(standin::kms(services, region))
        .ddb_table_name(standin::KEY_STORE)
        .logical_key_store_name(standin::LOGICAL_KEY_STORE)
        .kms_configuration(keys)
        .build()
        .expect("a key store");
    KeyStore::from_conf(config).expect("a key store client")
}

/// Whatever KMS key a record names, in the Region of the client.
pub fn any_kms_key() -> KmsConfiguration {
    KmsConfiguration::Discovery(Discovery::builder().build().expect("a configuration"))
}

/// The same, but of a multi-Region key the replica in a Region.
pub fn any_replica(region: &str) -> KmsConfiguration {
    KmsConfiguration::MrDiscovery(MrDiscovery::builder().region(region).build().expect("a configuration"))
}

fn one_key() -> KmsConfiguration {
    KmsConfiguration::KmsKeyArn(standin::KMS_ARN.to_owned())
}

async fn hierarchical(store: KeyStore, id: &str) -> KeyringRef {
    let builder = providers().create_aws_kms_hierarchical_keyring().key_store(store);
    builder.branch_key_id(id).ttl_seconds(600).send().await.expect("a hierarchical key ring")
}

fn any_key() -> DiscoveryFilter {
    let builder = DiscoveryFilter::builder().partition("aws").account_ids(vec![standin::ACCOUNT.to_owned()]);
    builder.build().expect("a discovery filter")
}

fn crypto_action(action: Action) -> CryptoAction {
    match action {
        Action::EncryptAndSign => CryptoAction::EncryptAndSign,
        Action::SignOnly => CryptoAction::SignOnly,
        Action::SignAndIncludeInEncryptionContext => CryptoAction::SignAndIncludeInEncryptionContext,
        Action::DoNothing => CryptoAction::DoNothing,
    }
}
