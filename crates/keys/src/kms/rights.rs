//! What the credentials of this process may do with a key of AWS KMS, asked by dry runs: KMS checks such a call, carries
//! nothing out, and answers `DryRunOperationException` where it would have done it.
//!
//! `Decrypt` and `ReEncrypt` are asked with `IGNORE_CIPHERTEXT`, with which KMS checks the permission alone. An endpoint that
//! does not know dry runs may carry a call out, so nothing that changes a key's permissions is asked before one was answered.

use dynaseal_item::Context;

use crate::error::Error;
use crate::keyring::{Io, KeyName};
use crate::kms::arn::KeyArn;
use crate::kms::body::{Reply, Request};
use crate::kms::error::{KmsError, Refusal};
use crate::wire::{Call, Service};
use crate::wrap::ecdh::{Curve, PrivateKey};
use crate::wrap::rsa::Padding;

/// What a process does with items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It seals and opens.
    ReadsAndWrites,
    /// It opens only.
    Reads,
    /// It seals only.
    Writes,
}

/// A key of AWS KMS and its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKeyUse {
    /// What KMS knows it by.
    pub key: String,
    /// What it is for.
    pub purpose: KmsPurpose,
    /// They go with every call.
    pub grant_tokens: Vec<String>,
}

/// What a key of AWS KMS is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsPurpose {
    /// It wraps the data key of each item.
    DataKeys {
        /// Whether items are sealed with it: not with a key that discovery finds.
        seals: bool,
        /// Whether items can be opened with it: not with a key that is named by its alias.
        opens: bool,
    },
    /// It wraps branch keys.
    BranchKeys,
    /// An RSA key that unwraps data keys.
    Rsa(Padding),
    /// An elliptic-curve key.
    Ecdh {
        /// Its curve.
        curve: Curve,
        /// Whether its public key is asked of KMS.
        public_key: bool,
    },
    /// Nothing: a key that should be out of reach.
    Nothing,
}

/// What was found out about one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KmsRights {
    /// What is needed and allowed.
    pub allowed: Vec<&'static str>,
    /// What is needed and would fail.
    pub missing: Vec<KmsError>,
    /// What is allowed and not needed.
    pub excess: Vec<&'static str>,
    /// What is not needed and was refused, whatever the encryption context.
    pub refused: Vec<&'static str>,
    /// What is not needed and was refused with the encryption context that was asked; another may be allowed.
    pub refused_in_context: Vec<&'static str>,
    /// What could not be found out.
    pub unknown: Vec<KmsError>,
}

impl KmsKeyUse {
    /// The operations that a process of the role needs.
    #[must_use]
    pub fn needs(&self, role: Role) -> Vec<&'static str> {
        let (reads, writes) = (role != Role::Writes, role != Role::Reads);
        match self.purpose {
            KmsPurpose::DataKeys { seals, opens } => {
                let writes = (writes && seals).then_some("GenerateDataKey");
                writes.into_iter().chain((reads && opens).then_some("Decrypt")).collect()
            }
            KmsPurpose::BranchKeys => vec!["Decrypt"],
            KmsPurpose::Rsa(_) if reads => vec!["Decrypt"],
            KmsPurpose::Rsa(_) => Vec::new(),
            KmsPurpose::Ecdh { public_key: true, .. } => vec!["DeriveSharedSecret", "GetPublicKey"],
            KmsPurpose::Ecdh { public_key: false, .. } => vec!["DeriveSharedSecret"],
            KmsPurpose::Nothing => Vec::new(),
        }
    }

    /// Whether the operation has an encryption context, so that a refusal may be one of this context alone.
    #[must_use]
    pub fn has_context(&self, operation: &str) -> bool {
        self.is_symmetric() && !matches!(operation, GRANT | "DescribeKey")
    }

    /// Asks KMS. The context is that of the calls as far as it is known, since policies have conditions on it.
    ///
    /// # Errors
    /// The cryptographic library fails.
    pub async fn rights(&self, role: Role, context: &Context, io: Io<'_>) -> Result<KmsRights, Error> {
        let mut rights = KmsRights::default();
        if !self.describe(&mut rights, io).await {
            return Ok(rights);
        }
        let needs = self.needs(role);
        let mut dry = false;
        // What is needed comes first: it is what shows that the endpoint knows dry runs.
        let others = self.known().iter().copied().filter(|operation| !needs.contains(operation));
        for operation in needs.iter().copied().chain(others) {
            if operation == GRANT && !(dry && KeyArn::parse(&self.key).is_some()) {
                continue;
            }
            let needed = needs.contains(&operation);
            match self.try_dry(operation, context, io).await? {
                Verdict::Allowed => {
                    dry |= operation != "GetPublicKey";
                    if needed { rights.allowed.push(operation) } else { rights.excess.push(operation) }
                }
                Verdict::Refused(KmsError::Refused { refusal: Refusal::AccessDenied, .. }) if !needed => {
                    let in_context = self.has_context(operation);
                    let refused = if in_context { &mut rights.refused_in_context } else { &mut rights.refused };
                    refused.push(operation);
                }
                Verdict::Refused(error) if needed => rights.missing.push(error),
                Verdict::Refused(error) => rights.unknown.push(error),
                Verdict::CarriedOut(error) => {
                    if needed {
                        rights.missing.push(error);
                    } else {
                        rights.unknown.push(error);
                    }
                    return Ok(rights);
                }
            }
        }
        Ok(rights)
    }

    /// Looks at the key itself, if that is allowed; whether it can be used.
    async fn describe(&self, rights: &mut KmsRights, io: Io<'_>) -> bool {
        let request = Request::new().text("KeyId", &self.key).texts("GrantTokens", &self.grant_tokens);
        let body = match self.send("DescribeKey", request, io).await {
            Ok(body) => body,
            // Nobody needs it.
            Err(error @ KmsError::Refused { refusal: Refusal::AccessDenied, .. }) => {
                rights.unknown.push(error);
                return true;
            }
            Err(error) => {
                let found = if self.purpose == KmsPurpose::Nothing { &mut rights.unknown } else { &mut rights.missing };
                found.push(error);
                return false;
            }
        };
        if self.purpose == KmsPurpose::Nothing {
            return true;
        }
        let Some(found) = Reply::read(body).and_then(|reply| reply.into_object("KeyMetadata")) else {
            rights.missing.push(KmsError::Answer {
                operation: "DescribeKey",
                key: self.name(),
                what: "it has no KeyMetadata",
            });
            return false;
        };
        let (usage, spec) = (found.text("KeyUsage").unwrap_or_default(), found.text("KeySpec").unwrap_or_default());
        let fits = match self.purpose {
            KmsPurpose::DataKeys { .. } | KmsPurpose::BranchKeys => (usage, spec) == (ENCRYPT, SYMMETRIC),
            KmsPurpose::Rsa(_) => usage == ENCRYPT && spec.starts_with("RSA_"),
            KmsPurpose::Ecdh { curve, .. } => usage == "KEY_AGREEMENT" && spec == curve_spec(curve),
            KmsPurpose::Nothing => true,
        };
        let refusal = match found.text("KeyState") {
            Some("Disabled") => Refusal::Disabled,
            Some("Enabled") if fits => return true,
            Some("Enabled") => Refusal::InvalidKeyUsage,
            _ => Refusal::InvalidState,
        };
        rights.missing.push(self.refused("DescribeKey", refusal));
        false
    }

    async fn try_dry(&self, operation: &'static str, context: &Context, io: Io<'_>) -> Result<Verdict, Error> {
        let request = self.request(operation, context)?.texts("GrantTokens", &self.grant_tokens);
        let has_dry_run = operation != "GetPublicKey";
        let request = if has_dry_run { request.yes("DryRun") } else { request };
        Ok(match self.send(operation, request, io).await {
            Ok(_) if has_dry_run => Verdict::CarriedOut(KmsError::Answer {
                operation,
                key: self.name(),
                what: "the endpoint does not know dry runs and carried it out",
            }),
            Ok(_) => Verdict::Allowed,
            Err(KmsError::Refused { refusal: Refusal::Other(name), .. }) if name == "DryRunOperationException" => {
                Verdict::Allowed
            }
            Err(error) => Verdict::Refused(error),
        })
    }

    fn request(&self, operation: &str, context: &Context) -> Result<Request, Error> {
        let key = self.key.as_str();
        let request = match operation {
            "ReEncrypt" => {
                let request = Request::new().text("SourceKeyId", key).text("DestinationKeyId", key);
                let request = request.context("SourceEncryptionContext", context);
                return Ok(request.context("DestinationEncryptionContext", context).texts(MODIFIERS, &ignore()));
            }
            _ => Request::new().text("KeyId", key),
        };
        let request = match operation {
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => request.number("NumberOfBytes", 32),
            "Encrypt" => request.bytes("Plaintext", &[0]),
            "Decrypt" => request.texts(MODIFIERS, &ignore()),
            "DeriveSharedSecret" => {
                let KmsPurpose::Ecdh { curve, .. } = self.purpose else { return Ok(request) };
                let other = PrivateKey::generate(curve)?.public_key()?;
                request.text("KeyAgreementAlgorithm", "ECDH").bytes("PublicKey", other.spki())
            }
            GRANT => {
                let account = KeyArn::parse(key).map(|arn| format!("arn:{}:iam::{}:root", arn.partition, arn.account));
                let may =
                    if matches!(self.purpose, KmsPurpose::Ecdh { .. }) { "DeriveSharedSecret" } else { "Decrypt" };
                let request = request.text("GranteePrincipal", &account.unwrap_or_default());
                return Ok(request.texts("Operations", &[may.to_owned()]));
            }
            _ => request,
        };
        Ok(match self.purpose {
            _ if self.is_symmetric() => request.context("EncryptionContext", context),
            KmsPurpose::Rsa(padding) if matches!(operation, "Encrypt" | "Decrypt") => {
                request.text("EncryptionAlgorithm", padding.kms_algorithm().unwrap_or_default())
            }
            _ => request,
        })
    }

    /// What can be asked of a key of this kind.
    fn known(&self) -> &'static [&'static str] {
        match self.purpose {
            KmsPurpose::DataKeys { .. } | KmsPurpose::BranchKeys | KmsPurpose::Nothing => {
                &["GenerateDataKey", "Decrypt", "Encrypt", "GenerateDataKeyWithoutPlaintext", "ReEncrypt", GRANT]
            }
            KmsPurpose::Rsa(_) => &["Decrypt", "Encrypt", GRANT],
            KmsPurpose::Ecdh { .. } => &["DeriveSharedSecret", GRANT],
        }
    }

    /// Whether it is asked as a symmetric key; most keys are.
    fn is_symmetric(&self) -> bool {
        !matches!(self.purpose, KmsPurpose::Rsa(_) | KmsPurpose::Ecdh { .. })
    }

    async fn send(&self, operation: &'static str, request: Request, io: Io<'_>) -> Result<Vec<u8>, KmsError> {
        let region = crate::kms::arn::region_of(&self.key);
        let call = Call::new(Service::Kms, operation, request.finish()).in_region(region);
        match io.wire.send(call).await {
            Ok(answer) if answer.ok() => Ok(answer.body),
            Ok(answer) => Err(self.refused(operation, Refusal::of(&answer))),
            Err(source) => Err(KmsError::NoAnswer { operation, key: self.name(), source }),
        }
    }

    fn refused(&self, operation: &'static str, refusal: Refusal) -> KmsError {
        KmsError::Refused { operation, key: self.name(), refusal }
    }

    fn name(&self) -> KeyName {
        KeyName::new("aws-kms", &self.key)
    }
}

enum Verdict {
    Allowed,
    Refused(KmsError),
    CarriedOut(KmsError),
}

fn ignore() -> [String; 1] {
    ["IGNORE_CIPHERTEXT".to_owned()]
}

fn curve_spec(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "ECC_NIST_P256",
        Curve::P384 => "ECC_NIST_P384",
        Curve::P521 => "ECC_NIST_P521",
    }
}

const MODIFIERS: &str = "DryRunModifiers";
const GRANT: &str = "CreateGrant";
const ENCRYPT: &str = "ENCRYPT_DECRYPT";
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
