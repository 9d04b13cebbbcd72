//! Says what stands in a key store. Nothing is opened, so nothing is proven.

use std::collections::BTreeMap;

use dynaseal_item::Value;
use serde::Serialize;
use serde_json::json;

use super::Stored;
use crate::branch::store::KeyVersion;
use crate::error::Error;
use crate::keyring::Io;
use crate::store::record::{
    CREATE_TIME, HIERARCHY_VERSION, ID, KMS_ARN, RecordType, TYPE, VERSION, custom_name, version_of,
};
use crate::store::table::KeyStoreTable;
use crate::store::time::CreateTime;

/// Whether a branch key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchKeyState {
    /// It seals and opens.
    Enabled,
    /// It does neither, until it is enabled again.
    Disabled,
    /// Some of its records are disabled or gone: a change of it was interrupted, and has to be run again.
    Unfinished,
}

/// What a list says of a branch key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BranchKeySummary {
    /// Its id.
    pub id: String,
    /// Whether it can be used.
    pub state: BranchKeyState,
    /// The version that seals.
    pub active: Option<KeyVersion>,
    /// When the first of its versions was made.
    pub created: Option<CreateTime>,
    /// When the version that seals was made.
    pub rotated: Option<CreateTime>,
    /// How many versions there are.
    pub versions: usize,
    /// The KMS key that protects the version that seals, or any if there is none.
    pub kms_arn: Option<String>,
    /// What its records say of their form; this version of Dynaseal reads 1.
    pub hierarchy_version: Option<String>,
    /// How many items stand under its id that are no records.
    pub strangers: usize,
}

/// All that can be said of a branch key without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BranchKeyDescription {
    /// What a list says of it.
    #[serde(flatten)]
    pub summary: BranchKeySummary,
    /// Its custom context.
    pub context: BTreeMap<String, String>,
    /// Whether there is a beacon key.
    pub has_beacon_key: bool,
    /// Its versions, the oldest first.
    pub history: Vec<VersionDescription>,
}

/// One version of a branch key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionDescription {
    /// The version.
    pub version: KeyVersion,
    /// When it was made.
    pub create_time: Option<CreateTime>,
    /// The KMS key that protects it.
    pub kms_arn: Option<String>,
}

impl KeyStoreTable {
    /// Every branch key, in byte order of the ids. The whole table is read.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn list(&self, io: Io<'_>) -> Result<Vec<BranchKeySummary>, Error> {
        let scan = json!({
            "TableName": self.table.name, "ConsistentRead": true,
            "ProjectionExpression": "#id, #type, #version, #created, #arn, #form",
            "ExpressionAttributeNames": {
                "#id": ID, "#type": TYPE, "#version": VERSION, "#created": CREATE_TIME, "#arn": KMS_ARN,
                "#form": HIERARCHY_VERSION,
            },
        });
        let mut found = BTreeMap::<String, Seen>::new();
        let each = |item| {
            if let Some(stored) = Stored::new(item) {
                found.entry(stored.name.id.to_string()).or_default().note(&stored);
            }
        };
        self.table.pages("Scan", scan, io, each).await?;
        Ok(found.into_iter().map(|(id, seen)| seen.summary(id)).collect())
    }

    /// One branch key.
    ///
    /// # Errors
    /// No such branch key, or a failure of DynamoDB.
    pub async fn describe(&self, id: &str, io: Io<'_>) -> Result<BranchKeyDescription, Error> {
        let stored = self.stored(id, io).await?;
        if stored.is_empty() {
            return Err(Error::NoBranchKey { id: id.to_owned() });
        }
        let mut seen = Seen::default();
        let mut history = Vec::new();
        for record in &stored {
            seen.note(record);
            if let Some(RecordType::Version(version)) = record.r#type {
                let (create_time, kms_arn) = (record.create_time(), record.text(KMS_ARN));
                history.push(VersionDescription { version, create_time, kms_arn });
            }
        }
        history.sort_by(|one, other| (&one.create_time, one.version).cmp(&(&other.create_time, other.version)));
        // Every record has the same context; the active one is what a rotation goes on from.
        let model = stored.iter().find(|record| record.is_active());
        let model = model.or_else(|| stored.iter().find(|record| record.r#type.is_some()));
        Ok(BranchKeyDescription {
            summary: seen.summary(id.to_owned()),
            context: model.map(Stored::custom).unwrap_or_default(),
            has_beacon_key: stored.iter().any(|record| record.r#type == Some(RecordType::Beacon)),
            history,
        })
    }
}

impl Stored {
    fn text(&self, name: &str) -> Option<String> {
        match self.item.get(name) {
            Some(Value::S(text) | Value::N(text)) => Some(text.clone().into_owned()),
            _ => None,
        }
    }

    fn create_time(&self) -> Option<CreateTime> {
        self.text(CREATE_TIME).map(|text| CreateTime::stored(&text))
    }

    fn custom(&self) -> BTreeMap<String, String> {
        let names = self.item.iter().filter_map(|(name, _)| Some((custom_name(name)?.to_owned(), self.text(name)?)));
        names.collect()
    }
}

/// What is known of a branch key after some of its records.
#[derive(Default)]
struct Seen {
    enabled: usize,
    disabled: usize,
    has_active: bool,
    active: Option<KeyVersion>,
    created: Option<CreateTime>,
    rotated: Option<CreateTime>,
    versions: usize,
    kms_arn: Option<String>,
    hierarchy_version: Option<String>,
    strangers: usize,
}

impl Seen {
    fn note(&mut self, record: &Stored) {
        let Some(r#type) = record.r#type else {
            self.strangers += 1;
            return;
        };
        *(if record.disabled { &mut self.disabled } else { &mut self.enabled }) += 1;
        let created = record.create_time();
        match r#type {
            RecordType::Active => {
                self.has_active = true;
                self.active = record.text(VERSION).and_then(|version| version_of(&version));
                self.rotated = created;
                self.kms_arn = record.text(KMS_ARN);
                self.hierarchy_version = record.text(HIERARCHY_VERSION);
                return;
            }
            RecordType::Version(_) => {
                self.versions += 1;
                self.created = [self.created.take(), created].into_iter().flatten().min();
            }
            RecordType::Beacon => {}
        }
        if !self.has_active {
            self.kms_arn = record.text(KMS_ARN);
            self.hierarchy_version = record.text(HIERARCHY_VERSION);
        }
    }

    fn summary(self, id: String) -> BranchKeySummary {
        let state = match (self.has_active, self.enabled, self.disabled) {
            (true, _, 0) => BranchKeyState::Enabled,
            (true, 0, _) => BranchKeyState::Disabled,
            _ => BranchKeyState::Unfinished,
        };
        let Self { active, created, rotated, versions, kms_arn, hierarchy_version, strangers, .. } = self;
        BranchKeySummary { id, state, active, created, rotated, versions, kms_arn, hierarchy_version, strangers }
    }
}
