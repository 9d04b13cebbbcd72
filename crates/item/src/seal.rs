//! Plaintext item to sealed item (FORMAT 10.1), a step a line.

use std::borrow::Cow;

use crate::canon::{Record, TYPE_ID};
use crate::cipher;
use crate::context::{self, Full};
use crate::derive::{FieldKeys, ItemKeys};
use crate::error::Error;
use crate::materials::{Context, SealKeys};
use crate::path::canonical_order;
use crate::schema::{Action, RESERVED, Schema};
use crate::suite::{Suite, Version};
use crate::terminal::{size_hint, type_id, write};
use crate::value::{Item, Value};
use crate::{footer, header, sign};

/// A checked plaintext item that waits for its keys.
#[derive(Debug)]
pub struct Draft<'s, 'a> {
    schema: &'s Schema,
    /// In canonical order.
    signed: Vec<(Cow<'a, str>, Value<'a>, Action)>,
    unsigned: Vec<(Cow<'a, str>, Value<'a>)>,
    context: Context,
}

impl<'s, 'a> Draft<'s, 'a> {
    /// Checks `item` against the table's schema and finds the encryption context it demands.
    ///
    /// # Errors
    /// A reserved name, an attribute without an action, a missing key or context attribute, or a key value without
    /// a normal form.
    pub fn new(schema: &'s Schema, item: Item<'a>) -> Result<Self, Error> {
        let (signed, unsigned) = sort(schema, item)?;
        let present = |name: &str| signed.iter().any(|(other, ..)| other == name);
        if let Some(attribute) = must_be_present(schema).find(|name| !present(name)) {
            return Err(Error::Missing { attribute: attribute.to_owned() });
        }
        let bound = signed.iter().filter(|(name, _, action)| match schema.version() {
            Version::V1 => schema.keys().any(|key| key == name),
            Version::V2 => *action == Action::SignAndIncludeInEncryptionContext,
        });
        let bound = bound.map(|(name, value, _)| (name.as_ref(), value));
        let context = context::required(schema, schema.version(), bound)?;
        Ok(Self { schema, signed, unsigned, context })
    }

    /// The encryption context that the key ring must bind.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The suite that the keys must be made for.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.schema.suite()
    }

    /// Encrypts and signs. `message_id` must be fresh and random.
    ///
    /// # Errors
    /// A value without a normal form, an item beyond the format's limits, or keys that do not fit.
    pub fn seal(self, mut keys: SealKeys, message_id: &[u8; 32]) -> Result<Item<'a>, Error> {
        let suite = self.suite();
        let full = Full::from_materials(std::mem::take(&mut keys.context), &self.context, suite)?;
        let item_keys = ItemKeys::derive(&keys.data_key, message_id);
        let header = self.header(&full, &keys, &item_keys, message_id)?;
        let encrypted = self.signed.iter().filter(|(_, _, action)| *action == Action::EncryptAndSign).count();
        let field_keys = FieldKeys::derive(&item_keys.field_root, encrypted)?;

        let mut record = Record::new(&header, &full, self.schema.logical_name());
        let mut fields = field_keys.iter();
        let mut out = Vec::with_capacity(self.signed.len() + self.unsigned.len() + 2);
        for (name, value, action) in self.signed {
            let fault = |fault| Error::Value { attribute: name.clone().into_owned(), fault };
            if action == Action::EncryptAndSign {
                let mut stored = Vec::with_capacity(TYPE_ID + size_hint(&value) + cipher::TAG);
                stored.extend_from_slice(&type_id(&value));
                write(&value, &mut stored).map_err(fault)?;
                let (key, nonce) = fields.next().ok_or(Error::Materials { what: "field key derivation" })?;
                cipher::seal(key, nonce, record.path(&name), &mut stored, TYPE_ID)
                    .ok_or(Error::TooLarge { what: "a longer attribute" })?;
                record.encrypted(&name, &stored);
                out.push((name, Value::B(Cow::Owned(stored))));
            } else {
                record.plain(&name, &value).map_err(fault)?;
                out.push((name, value));
            }
        }
        let footer = footer::write(&record.finish(), suite, &keys)?;
        out.extend(self.unsigned);
        out.push((Cow::Borrowed(header::ATTRIBUTE), Value::B(Cow::Owned(header))));
        out.push((Cow::Borrowed(footer::ATTRIBUTE), Value::B(Cow::Owned(footer))));
        Ok(Item::from_attributes(out))
    }

    fn header(&self, full: &Full, keys: &SealKeys, item: &ItemKeys, message_id: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let parts = header::Parts {
            version: self.schema.version(),
            suite: self.suite(),
            message_id,
            // `sort` lets nothing in that has no letter.
            legend: self.signed.iter().map(|(_, _, action)| action.letter().unwrap_or_default()),
            context: &full.stored(&self.context)?,
            data_keys: &keys.wrapped,
        };
        let mut header = parts.write()?;
        let commitment = sign::commitment(&item.commit, &header);
        header.extend_from_slice(&commitment);
        Ok(header)
    }
}

type Signed<'a> = Vec<(Cow<'a, str>, Value<'a>, Action)>;
type Unsigned<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The signed attributes in canonical order, and the others. Reserved names other than those of header and footer are
/// dropped, as DB-ESDK does (FORMAT 10.1).
fn sort<'a>(schema: &Schema, mut item: Item<'a>) -> Result<(Signed<'a>, Unsigned<'a>), Error> {
    let (mut signed, mut unsigned) = (Vec::with_capacity(item.len()), Vec::new());
    for (name, value) in std::mem::take(item.attributes_mut()) {
        if name == header::ATTRIBUTE || name == footer::ATTRIBUTE {
            return Err(Error::ReservedName { attribute: name.into_owned() });
        }
        if name.starts_with(RESERVED) {
            continue;
        }
        match schema.action(&name) {
            Some(Action::DoNothing) => unsigned.push((name, value)),
            Some(action) => signed.push((name, value, action)),
            None => return Err(Error::NoAction { attribute: name.into_owned() }),
        }
    }
    signed.sort_unstable_by(|(left, ..), (right, ..)| canonical_order(left, right));
    Ok((signed, unsigned))
}

/// Key attributes, and in version 2 every attribute that is listed as bound.
fn must_be_present(schema: &Schema) -> impl Iterator<Item = &str> {
    let bound = schema.actions().filter(|(_, action)| *action == Action::SignAndIncludeInEncryptionContext);
    schema.keys().chain(bound.map(|(name, _)| name))
}
