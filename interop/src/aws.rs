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
use aws_db_esdk::key_store::types::KmsConfiguration;
use aws_db_esdk::key_store::types::key_store_config::KeyStoreConfig;
use aws_db_esdk::material_providers::client::Client as Providers;
use aws_db_esdk::material_providers::types::keyring::KeyringRef;
use aws_db_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig;
use aws_db_esdk::material_providers::types::{AesWrappingAlg, DbeAlgorithmSuiteId, PaddingScheme};
use dynaseal_item::{Action, SchemaSpec, Suite};
use tokio::runtime::Runtime;

use crate::rings::{BRANCH_KEYS, NAMESPACE, Ring, RsaPair};
use crate::standin;
use crate::values::Attributes;

/// AWS's library with one key ring of each kind.
pub struct Aws {
    /// Its crypto calls are synchronous underneath, but they find the key store through a runtime, and on a
    /// single-threaded one each of them would start a thread.
    runtime: Runtime,
    rings: BTreeMap<Ring, KeyringRef>,
}

/// One table's item encryptor.
pub struct Encryptor<'a> {
    runtime: &'a Runtime,
    client: Client,
}

impl Aws {
    /// Builds the key rings.
    pub fn new(rsa: &RsaPair) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let mut rings = BTreeMap::new();
        for ring in Ring::ALL {
            if !matches!(ring, Ring::Multi | Ring::BranchPerTenant) {
                rings.insert(ring, runtime.block_on(keyring(ring, rsa)));
            }
        }
        let multi = runtime.block_on(multi(&rings));
        rings.insert(Ring::Multi, multi);
        Self { runtime, rings }
    }

    /// The encryptor for a table, or why AWS refuses the configuration.
    pub fn encryptor(&self, table: &SchemaSpec, ring: Ring) -> Result<Encryptor<'_>, String> {
        let keyring = match ring {
            Ring::BranchPerTenant => self.runtime.block_on(per_tenant(table.partition_key.clone())),
            ring => self.rings[&ring].clone(),
        };
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

async fn keyring(ring: Ring, rsa: &RsaPair) -> KeyringRef {
    let aes = async |algorithm| {
        let builder = providers().create_raw_aes_keyring().key_namespace(NAMESPACE).key_name(ring.key_name());
        builder.wrapping_key(ring.aes_key()).wrapping_alg(algorithm).send().await.expect("a raw AES key ring")
    };
    let rsa = async |padding| {
        let builder = providers().create_raw_rsa_keyring().key_namespace(NAMESPACE).key_name(ring.key_name());
        let builder = builder.padding_scheme(padding).public_key(rsa.public_pem.as_bytes());
        builder.private_key(rsa.private_pem.as_bytes()).send().await.expect("a raw RSA key ring")
    };
    match ring {
        Ring::Aes128 => aes(AesWrappingAlg::AlgAes128GcmIv12Tag16).await,
        Ring::Aes192 => aes(AesWrappingAlg::AlgAes192GcmIv12Tag16).await,
        Ring::Aes256 => aes(AesWrappingAlg::AlgAes256GcmIv12Tag16).await,
        Ring::RsaPkcs1 => rsa(PaddingScheme::Pkcs1).await,
        Ring::RsaOaepSha1 => rsa(PaddingScheme::OaepSha1Mgf1).await,
        Ring::RsaOaepSha256 => rsa(PaddingScheme::OaepSha256Mgf1).await,
        Ring::RsaOaepSha384 => rsa(PaddingScheme::OaepSha384Mgf1).await,
        Ring::RsaOaepSha512 => rsa(PaddingScheme::OaepSha512Mgf1).await,
        Ring::Branch => {
            let builder = providers().create_aws_kms_hierarchical_keyring().key_store(key_store());
            builder.branch_key_id(BRANCH_KEYS[0].id).ttl_seconds(600).send().await.expect("a hierarchical key ring")
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

async fn per_tenant(attribute: String) -> KeyringRef {
    let config = DynamoDbEncryptionConfig::builder().build().expect("a configuration");
    let client = aws_db_esdk::dynamodb::client::Client::from_conf(config).expect("a client");
    let builder = client.create_dynamo_db_encryption_branch_key_id_supplier();
    let answer = builder.ddb_key_branch_key_id_supplier(Tenant { attribute }).send().await.expect("a supplier");
    let supplier = answer.branch_key_id_supplier.expect("a supplier");
    let builder = providers().create_aws_kms_hierarchical_keyring().key_store(key_store());
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

fn key_store() -> aws_db_esdk::key_store::client::Client {
    let config = KeyStoreConfig::builder()
        .ddb_client(standin::dynamodb())
        .kms_client(standin::kms())
        .ddb_table_name(standin::KEY_STORE)
        .logical_key_store_name(standin::KEY_STORE)
        .kms_configuration(KmsConfiguration::KmsKeyArn(standin::KMS_ARN.to_owned()))
        .build()
        .expect("a key store");
    aws_db_esdk::key_store::client::Client::from_conf(config).expect("a key store client")
}

fn crypto_action(action: Action) -> CryptoAction {
    match action {
        Action::EncryptAndSign => CryptoAction::EncryptAndSign,
        Action::SignOnly => CryptoAction::SignOnly,
        Action::SignAndIncludeInEncryptionContext => CryptoAction::SignAndIncludeInEncryptionContext,
        Action::DoNothing => CryptoAction::DoNothing,
    }
}
