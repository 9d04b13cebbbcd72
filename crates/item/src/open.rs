//! Sealed item to plaintext item (FORMAT 10.2). The types are the proof: only a footer check makes a [`Verified`], and
//! nothing is decrypted without one.

use zeroize::Zeroizing;

use crate::canon::{Record, TYPE_ID};
use crate::cipher;
use crate::context::{self, Full};
use crate::derive::{FieldKeys, ItemKeys};
use crate::error::Error;
use crate::footer::{self, Check};
use crate::header::{self, Header};
use crate::materials::{Context, EncryptedDataKey, OpenKeys, PUBLIC_KEY};
use crate::path::canonical_order;
use crate::schema::{Action, RESERVED, Schema};
use crate::sign;
use crate::suite::{Suite, Version};
use crate::terminal;
use crate::value::{Item, Value};

/// An item that claims to be sealed, read but not believed.
#[derive(Debug)]
pub struct Sealed<'a, 'i> {
    logical_name: &'a str,
    header: Header<'a>,
    footer: &'a [u8],
    /// In canonical order.
    signed: Vec<Attribute<'a, 'i>>,
    unsigned: Vec<(&'a str, &'a mut Value<'i>)>,
    full: Full,
}

/// An item whose header, footer and signed attributes are those that were sealed.
#[derive(Debug)]
pub struct Verified<'a, 'i> {
    logical_name: &'a str,
    field_root: Zeroizing<[u8; 32]>,
    signed: Vec<Attribute<'a, 'i>>,
    unsigned: Vec<(&'a str, &'a mut Value<'i>)>,
}

#[derive(Debug)]
struct Attribute<'a, 'i> {
    name: &'a str,
    value: &'a mut Value<'i>,
    action: Action,
}

impl<'a, 'i> Sealed<'a, 'i> {
    /// Reads header and footer and lines the signed attributes up with the legend. The item is opened where it lies,
    /// so it is lent for as long as the result is used; when opening fails its contents are of no use any more.
    ///
    /// # Errors
    /// [`Error::Unsealed`] if it has neither header nor footer; otherwise what is missing or malformed.
    pub fn parse(schema: &'a Schema, item: &'a mut Item<'i>) -> Result<Self, Error> {
        let Attributes { head, foot, mut signed, unsigned } = Attributes::of(schema, item);
        let (head, footer) = match (head, foot) {
            (None, None) => return Err(Error::Unsealed),
            (Some(Value::B(head)), Some(Value::B(foot))) => (head, foot),
            (Some(Value::B(_)), _) => return Err(Error::HalfSealed { missing: footer::ATTRIBUTE }),
            _ => return Err(Error::HalfSealed { missing: header::ATTRIBUTE }),
        };
        let header = Header::parse(head)?;
        if header.legend.len() != signed.len() {
            return Err(Error::Legend { found: signed.len(), sealed: header.legend.len() });
        }
        signed.sort_unstable_by(|left, right| canonical_order(left.name, right.name));
        for (attribute, action) in signed.iter_mut().zip(&header.legend) {
            attribute.action = *action;
        }
        let demanded = demanded(schema, &header, &signed)?;
        let full = Full::from_header(demanded, &header.context, header.suite)?;
        Ok(Self { logical_name: schema.logical_name(), header, footer, signed, unsigned, full })
    }

    /// Whether an item has neither header nor footer, and so was never sealed.
    #[must_use]
    pub fn is_plain(item: &Item<'_>) -> bool {
        item.get(header::ATTRIBUTE).is_none() && item.get(footer::ATTRIBUTE).is_none()
    }

    /// The header, not yet verified.
    #[must_use]
    pub fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// The encrypted data keys, one of which the key ring must open.
    #[must_use]
    pub fn data_keys(&self) -> &[EncryptedDataKey<'a>] {
        &self.header.data_keys
    }

    /// The full encryption context.
    #[must_use]
    pub fn context(&self) -> &Context {
        self.full.context()
    }

    /// The suite that the header names.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.header.suite
    }

    /// The names of the attributes that the header says are encrypted.
    pub fn encrypted(&self) -> impl Iterator<Item = &str> {
        self.signed.iter().filter(|one| one.action == Action::EncryptAndSign).map(|one| one.name)
    }

    /// Checks commitment, tag and signature over the bytes that arrived.
    ///
    /// # Errors
    /// Where verification failed.
    pub fn verify(self, keys: &OpenKeys) -> Result<Verified<'a, 'i>, Error> {
        let header = &self.header;
        let item_keys = ItemKeys::derive(&keys.data_key, header.message_id);
        if !sign::equal(&sign::commitment(&item_keys.commit, header.partial), header.commitment) {
            return Err(Error::Commitment);
        }
        let check = Check {
            suite: header.suite,
            data_keys: header.data_keys.len(),
            tag_key: &keys.tag_key,
            public_key: self.full.context().get(PUBLIC_KEY),
        };
        check.footer_length(self.footer)?;
        let mut record = Record::new(header.bytes, &self.full, self.logical_name);
        for Attribute { name, value, action } in &self.signed {
            let field = || Error::Field { attribute: (*name).to_owned() };
            match (action, &**value) {
                (Action::EncryptAndSign, Value::B(stored)) if stored.len() >= TYPE_ID + cipher::TAG => {
                    record.encrypted(name, stored);
                }
                (Action::EncryptAndSign, _) => return Err(field()),
                (_, value) => record.plain(name, value).map_err(|_| field())?,
            }
        }
        check.verify(&record.finish(), self.footer)?;
        let Self { logical_name, signed, unsigned, .. } = self;
        Ok(Verified { logical_name, field_root: item_keys.field_root, signed, unsigned })
    }
}

impl<'a> Verified<'a, '_> {
    /// Decrypts the encrypted attributes in place and gives the plaintext item, without header and footer.
    ///
    /// # Errors
    /// [`Error::Field`] with the attribute that could not be decrypted or decoded.
    pub fn open(self) -> Result<Item<'a>, Error> {
        let encrypted = self.signed.iter().filter(|attribute| attribute.action == Action::EncryptAndSign).count();
        let field_keys = FieldKeys::derive(&self.field_root, encrypted)?;
        let mut fields = field_keys.iter();
        let mut path = crate::path::Path::new(self.logical_name);
        let mut out = Vec::with_capacity(self.signed.len() + self.unsigned.len());
        for Attribute { name, value, action } in self.signed {
            let value = if action == Action::EncryptAndSign {
                let field = || Error::Field { attribute: name.to_owned() };
                let (key, nonce) = fields.next().ok_or_else(field)?;
                decrypt(key, nonce, path.of(name), value).ok_or_else(field)?
            } else {
                std::mem::replace(value, Value::Null)
            };
            out.push((name.into(), value));
        }
        let unsigned = self.unsigned.into_iter();
        out.extend(unsigned.map(|(name, value)| (name.into(), std::mem::replace(value, Value::Null))));
        Ok(Item::from_attributes(out))
    }
}

fn decrypt<'a>(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], value: &'a mut Value<'_>) -> Option<Value<'a>> {
    let Value::B(stored) = value else { return None };
    let (type_id, sealed) = stored.to_mut().split_first_chunk_mut()?;
    let plain = cipher::open(key, nonce, aad, sealed)?;
    terminal::read(*type_id, plain).ok()
}

/// The attributes of an item by what they are.
struct Attributes<'a, 'i> {
    head: Option<&'a Value<'i>>,
    foot: Option<&'a Value<'i>>,
    signed: Vec<Attribute<'a, 'i>>,
    unsigned: Vec<(&'a str, &'a mut Value<'i>)>,
}

impl<'a, 'i> Attributes<'a, 'i> {
    /// Other reserved attributes, such as beacons, are neither signed nor returned (FORMAT 10.2).
    fn of(schema: &Schema, item: &'a mut Item<'i>) -> Self {
        let (mut head, mut foot, mut unsigned) = (None, None, Vec::new());
        let mut signed = Vec::with_capacity(item.len());
        for (name, value) in item.attributes_mut() {
            let name: &str = name;
            if name == header::ATTRIBUTE {
                head = Some(&*value);
            } else if name == footer::ATTRIBUTE {
                foot = Some(&*value);
            } else if name.starts_with(RESERVED) {
            } else if schema.in_signature_scope(name) {
                // The legend replaces this guess.
                signed.push(Attribute { name, value, action: Action::SignOnly });
            } else {
                unsigned.push((name, value));
            }
        }
        Self { head, foot, signed, unsigned }
    }
}

/// The context that the item demands, by what the header's legend says was bound.
fn demanded(schema: &Schema, header: &Header<'_>, signed: &[Attribute<'_, '_>]) -> Result<Context, Error> {
    for key in schema.keys() {
        match signed.iter().find(|attribute| attribute.name == key) {
            Some(attribute) if attribute.action != Action::EncryptAndSign => {}
            _ => return Err(Error::ContextMismatch { key: key.to_owned() }),
        }
    }
    let bound = signed.iter().filter(|attribute| match header.version {
        Version::V1 => schema.keys().any(|key| key == attribute.name),
        Version::V2 => attribute.action == Action::SignAndIncludeInEncryptionContext,
    });
    let bound = bound.map(|attribute| (attribute.name, &*attribute.value));
    context::required(schema, header.version, bound).map_err(|error| match error {
        // A stored value without a normal form was never sealed.
        Error::Value { attribute, .. } => Error::Field { attribute },
        other => other,
    })
}
