//! `aws-kms` and its kin: keys that AWS KMS holds; `aws-kms-ecdh` is in `ecdh.rs`. Nothing is asked of KMS while a
//! configuration is read.

use std::path::Path;

use dynaseal_keys::{AwsKmsRing, AwsKmsRsa, Discovery, KeyArn, KmsKeys, KmsPurpose, Padding};

use super::super::fault::Faults;
use super::super::outside::Outside;
use super::super::section::{At, Section};
use super::{Built, all_or_none, public_pem, usable};

/// Which keys open items beside the one that seals, or instead of it.
#[derive(Clone, Copy, PartialEq)]
pub(in super::super) enum Kind {
    Single,
    MultiRegion,
    Discovery,
    MultiRegionDiscovery,
}

pub(super) fn read(kind: Kind, section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Built> {
    match kind {
        Kind::Single => single(section, faults),
        Kind::MultiRegion => multi_region(section, faults),
        Kind::Discovery => discovery(section, false, faults),
        Kind::MultiRegionDiscovery => discovery(section, true, faults),
    }
}

fn single(section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Built> {
    let key = section.required("key_arn", KEY, faults);
    let grant_tokens = texts(&section.names("grant_tokens", faults));
    let key = key?.value;
    let ring = usable(AwsKmsRing::single(key, grant_tokens.clone()), |field| section.place(field), faults)?;
    let built = Built::new(ring, format!("AWS KMS key {key}, {}", uses(key)));
    Some(built.with_kms_key(key, data_keys(key), grant_tokens))
}

fn multi_region(section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Built> {
    let key = section.required("key_arn", MULTI_REGION_KEY, faults);
    let region = section.name("region", faults);
    let grant_tokens = texts(&section.names("grant_tokens", faults));
    let key = key?.value;
    let region = region.map(|at| at.value);
    let ring =
        usable(AwsKmsRing::multi_region(key, region, grant_tokens.clone()), |field| section.place(field), faults)?;
    let replicas = match region {
        Some(region) => format!("and its replicas; called in {region}"),
        None => "and its replicas".to_owned(),
    };
    let called = region.zip(KeyArn::parse(key)).map_or_else(|| key.to_owned(), |(region, arn)| arn.in_region(region));
    let built = Built::new(ring, format!("AWS KMS key {key} {replicas}, {}", uses(key)));
    Some(built.with_kms_key(&called, data_keys(key), grant_tokens))
}

fn discovery(section: &mut Section<'_, '_>, replicas: bool, faults: &mut Faults<'_>) -> Option<Built> {
    let keys = accounts(section, replicas, faults);
    let grant_tokens = texts(&section.names("grant_tokens", faults));
    let keys = keys?;
    let what = if replicas { "any AWS KMS key, or a replica of it," } else { "any AWS KMS key" };
    let detail = format!("{what} of {}; opens, cannot seal", owners(&keys));
    let ring = if replicas {
        AwsKmsRing::multi_region_discovery(keys.clone(), grant_tokens.clone())
    } else {
        AwsKmsRing::discovery(keys.clone(), grant_tokens.clone())
    };
    let ring = usable(ring, |field| section.place(field), faults)?;
    let purpose = KmsPurpose::DataKeys { seals: false, opens: true };
    Some(Built::new(ring, detail).with_kms(KmsKeys::Discovered { keys, replicas }, purpose, grant_tokens))
}

/// The keys that may open.
pub(super) fn accounts(
    section: &mut Section<'_, '_>,
    regions_required: bool,
    faults: &mut Faults<'_>,
) -> Option<Discovery> {
    let partition = section.name("partition", faults);
    let accounts = section.required_names("accounts", "111122223333", faults);
    let regions = if regions_required {
        section.required_names("regions", "eu-west-1", faults)
    } else {
        Some(section.names("regions", faults))
    };
    let partition = partition.map_or("aws", |at| at.value).to_owned();
    let (accounts, regions) = (texts(&accounts?).into_iter().collect(), texts(&regions?));
    Some(Discovery { partition, accounts, regions })
}

pub(super) fn owners(keys: &Discovery) -> String {
    let Discovery { partition, accounts, regions } = keys;
    let accounts: Vec<_> = accounts.iter().map(String::as_str).collect();
    let called = if regions.is_empty() { "the Region of each".to_owned() } else { regions.join(", ") };
    format!("{partition} account {}, called in {called}", accounts.join(", "))
}

pub(super) fn rsa(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let key = section.required("key_arn", KEY, faults);
    let paddings = [Padding::OaepSha1, Padding::OaepSha256].map(|padding| (padding.name(), padding));
    let padding = section.required_one_of("padding", &paddings, "OAEP_SHA256", faults);
    let public = section.name("public_key_file", faults);
    let grant_tokens = texts(&section.names("grant_tokens", faults));
    let public_text = public.as_ref().map(|path| public_pem(path, "public_key_file", folder, outside, faults));
    let public_text = all_or_none(public_text)?;
    let (key, padding) = (key?.value, padding?.value);
    let ring = AwsKmsRsa::new(key, padding, public_text.as_deref().map(String::as_str), grant_tokens.clone());
    let ring = usable(ring, |field| section.place(field), faults)?;
    let what = match public {
        Some(path) => format!("seals with {} and opens", path.value),
        None => "no public key: opens, cannot seal".to_owned(),
    };
    let built = Built::new(ring, format!("RSA key {key} of AWS KMS, {}, {what}", padding.name()));
    Some(built.with_kms_key(key, KmsPurpose::Rsa(padding), grant_tokens))
}

fn data_keys(key: &str) -> KmsPurpose {
    KmsPurpose::DataKeys { seals: true, opens: KeyArn::parse(key).is_some() }
}

fn uses(key: &str) -> &'static str {
    if KeyArn::parse(key).is_some() { "seals and opens" } else { "not named by its ARN: seals, cannot open" }
}

pub(super) fn texts(list: &[At<&str>]) -> Vec<String> {
    list.iter().map(|at| at.value.to_owned()).collect()
}

/// Examples.
pub(super) const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const MULTI_REGION_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
