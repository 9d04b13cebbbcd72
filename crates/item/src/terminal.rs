//! A value as bytes (FORMAT 2).
//!
//! | type | id   | value bytes                                                              |
//! |------|------|--------------------------------------------------------------------------|
//! | NULL | 0000 | none                                                                     |
//! | S    | 0001 | UTF-8                                                                    |
//! | N    | 0002 | the normal form as ASCII                                                 |
//! | BOOL | 0004 | 00 or 01                                                                 |
//! | B    | ffff | the bytes                                                                |
//! | SS   | 0101 | u32 count, then u32 length and bytes per member, in UTF-16 order         |
//! | NS   | 0102 | the same over normal forms                                               |
//! | BS   | 01ff | the same, in byte order                                                  |
//! | M    | 0200 | u32 count, then per entry 0001, u32 length, key, type id, u32 length, value; in UTF-16 order of keys |
//! | L    | 0300 | u32 count, then per element type id, u32 length, value                   |
//!
//! Spec: `specification/dynamodb-encryption-client/ddb-attribute-serialization.md`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::Hash;

use crate::bytes::{Reader, put_u32, put_u32_prefixed};
use crate::error::ValueFault;
use crate::number::normalize;
use crate::value::Value;

/// A type id as it travels beside the value bytes.
pub(crate) type TypeId = [u8; 2];

const NULL: TypeId = [0x00, 0x00];
const S: TypeId = [0x00, 0x01];
const N: TypeId = [0x00, 0x02];
const BOOL: TypeId = [0x00, 0x04];
const B: TypeId = [0xff, 0xff];
const SS: TypeId = [0x01, 0x01];
const NS: TypeId = [0x01, 0x02];
const BS: TypeId = [0x01, 0xff];
const M: TypeId = [0x02, 0x00];
const L: TypeId = [0x03, 0x00];

/// The attribute itself is level 1.
const MAX_DEPTH: usize = 32;
const MAX_KEY: usize = 65_535;

pub(crate) fn type_id(value: &Value<'_>) -> TypeId {
    match value {
        Value::Null => NULL,
        Value::Bool(_) => BOOL,
        Value::S(_) => S,
        Value::N(_) => N,
        Value::B(_) => B,
        Value::Ss(_) => SS,
        Value::Ns(_) => NS,
        Value::Bs(_) => BS,
        Value::M(_) => M,
        Value::L(_) => L,
    }
}

/// The value bytes, borrowed from the value where it has them, otherwise written to `scratch`.
pub(crate) fn value_bytes<'v>(value: &'v Value<'_>, scratch: &'v mut Vec<u8>) -> Result<&'v [u8], ValueFault> {
    match value {
        Value::S(text) => Ok(text.as_bytes()),
        Value::B(bytes) => Ok(bytes),
        _ => {
            scratch.clear();
            write(value, scratch)?;
            Ok(scratch)
        }
    }
}

/// Appends the value bytes.
pub(crate) fn write(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), ValueFault> {
    write_at(1, value, out)
}

/// About how many bytes [`write`] will append, never far too few.
pub(crate) fn size_hint(value: &Value<'_>) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::S(text) | Value::N(text) => text.len(),
        Value::B(bytes) => bytes.len(),
        Value::Ss(all) | Value::Ns(all) => 4 + all.iter().map(|text| 4 + text.len()).sum::<usize>(),
        Value::Bs(all) => 4 + all.iter().map(|bytes| 4 + bytes.len()).sum::<usize>(),
        Value::L(all) => 4 + all.iter().map(|value| 6 + size_hint(value)).sum::<usize>(),
        Value::M(all) => 4 + all.iter().map(|(key, value)| 12 + key.len() + size_hint(value)).sum::<usize>(),
    }
}

fn write_at(depth: usize, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), ValueFault> {
    if depth > MAX_DEPTH {
        return Err(ValueFault::TooDeep);
    }
    match value {
        Value::Null => {}
        Value::Bool(bool) => out.push(u8::from(*bool)),
        Value::S(text) => out.extend_from_slice(text.as_bytes()),
        Value::N(text) => out.extend_from_slice(normalize(text)?.as_bytes()),
        Value::B(bytes) => out.extend_from_slice(bytes),
        Value::Ss(all) => write_texts(all.iter().map(AsRef::as_ref).collect(), out)?,
        Value::Ns(all) => {
            let normal = all.iter().map(|text| normalize(text)).collect::<Result<Vec<_>, _>>()?;
            write_texts(normal.iter().map(AsRef::as_ref).collect(), out)?;
        }
        Value::Bs(all) => {
            let mut members: Vec<&[u8]> = all.iter().map(AsRef::as_ref).collect();
            members.sort_unstable();
            write_members(&members, out)?;
        }
        Value::L(all) => {
            put_u32(out, all.len()).ok_or(ValueFault::TooLong)?;
            for value in all {
                write_nested(depth + 1, value, out)?;
            }
        }
        Value::M(all) => write_map(depth, all, out)?,
    }
    Ok(())
}

fn write_map(depth: usize, all: &[(Cow<'_, str>, Value<'_>)], out: &mut Vec<u8>) -> Result<(), ValueFault> {
    let mut entries: Vec<_> = all.iter().collect();
    entries.sort_unstable_by(|(left, _), (right, _)| utf16_order(left, right));
    if entries.windows(2).any(|pair| matches!(pair, [(left, _), (right, _)] if left == right)) {
        return Err(ValueFault::DuplicateKey);
    }
    put_u32(out, entries.len()).ok_or(ValueFault::TooLong)?;
    for (key, value) in entries {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(ValueFault::MapKey);
        }
        out.extend_from_slice(&S);
        put_u32_prefixed(out, key.as_bytes()).ok_or(ValueFault::TooLong)?;
        write_nested(depth + 1, value, out)?;
    }
    Ok(())
}

/// Type id, length, value: the length is filled in once it is known.
fn write_nested(depth: usize, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), ValueFault> {
    out.extend_from_slice(&type_id(value));
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write_at(depth, value, out)?;
    let length = u32::try_from(out.len() - at - 4).map_err(|_| ValueFault::TooLong)?;
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn write_texts(mut members: Vec<&str>, out: &mut Vec<u8>) -> Result<(), ValueFault> {
    members.sort_unstable_by(|left, right| utf16_order(left, right));
    let members: Vec<&[u8]> = members.into_iter().map(str::as_bytes).collect();
    write_members(&members, out)
}

fn write_members(sorted: &[&[u8]], out: &mut Vec<u8>) -> Result<(), ValueFault> {
    if sorted.windows(2).any(|pair| matches!(pair, [left, right] if left == right)) {
        return Err(ValueFault::DuplicateMember);
    }
    put_u32(out, sorted.len()).ok_or(ValueFault::TooLong)?;
    sorted.iter().try_for_each(|member| put_u32_prefixed(out, member)).ok_or(ValueFault::TooLong)
}

/// The order of UTF-16 code units (FORMAT 1.5); it differs from byte order only above U+FFFF.
pub(crate) fn utf16_order(left: &str, right: &str) -> Ordering {
    let same = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    match (left.as_bytes().get(same), right.as_bytes().get(same)) {
        // Lead bytes EE and EF start U+E000 to U+FFFF, F0 and above start what UTF-16 writes as surrogates D800 to DFFF.
        (Some(0xee | 0xef), Some(0xf0..)) => Ordering::Greater,
        (Some(0xf0..), Some(0xee | 0xef)) => Ordering::Less,
        (left, right) => left.cmp(&right),
    }
}

/// Reads value bytes of a type; everything must be consumed. Text and binary are borrowed from `bytes`.
pub(crate) fn read<'a>(type_id: TypeId, bytes: &'a [u8]) -> Result<Value<'a>, ValueFault> {
    read_at(1, type_id, bytes)
}

fn read_at<'a>(depth: usize, type_id: TypeId, bytes: &'a [u8]) -> Result<Value<'a>, ValueFault> {
    if depth > MAX_DEPTH {
        return Err(ValueFault::TooDeep);
    }
    Ok(match type_id {
        NULL if bytes.is_empty() => Value::Null,
        BOOL => match bytes {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            _ => return Err(ValueFault::Malformed),
        },
        S => Value::S(text(bytes)?),
        N => Value::N(text(bytes)?),
        B => Value::B(Cow::Borrowed(bytes)),
        SS => Value::Ss(read_members(bytes, text)?),
        NS => Value::Ns(read_members(bytes, text)?),
        BS => Value::Bs(read_members(bytes, |bytes| Ok(Cow::Borrowed(bytes)))?),
        L => {
            let mut reader = Reader::new(bytes);
            let mut all = with_capacity(&mut reader)?;
            for _ in 0..all.1 {
                all.0.push(read_nested(depth + 1, &mut reader)?);
            }
            reader.finish().ok_or(ValueFault::Malformed)?;
            Value::L(all.0)
        }
        M => read_map(depth, bytes)?,
        _ => return Err(ValueFault::Malformed),
    })
}

fn read_map(depth: usize, bytes: &[u8]) -> Result<Value<'_>, ValueFault> {
    let mut reader = Reader::new(bytes);
    let (mut all, count) = with_capacity(&mut reader)?;
    for _ in 0..count {
        if reader.array() != Some(&S) {
            return Err(ValueFault::Malformed);
        }
        let key = text(reader.u32_prefixed().ok_or(ValueFault::Malformed)?)?;
        all.push((key, read_nested(depth + 1, &mut reader)?));
    }
    reader.finish().ok_or(ValueFault::Malformed)?;
    if !unique(all.iter().map(|(key, _)| key)) {
        return Err(ValueFault::DuplicateKey);
    }
    Ok(Value::M(all))
}

fn read_nested<'a>(depth: usize, reader: &mut Reader<'a>) -> Result<Value<'a>, ValueFault> {
    let type_id = *reader.array().ok_or(ValueFault::Malformed)?;
    let bytes = reader.u32_prefixed().ok_or(ValueFault::Malformed)?;
    read_at(depth, type_id, bytes)
}

fn read_members<'a, T: Eq + Hash>(
    bytes: &'a [u8],
    convert: fn(&'a [u8]) -> Result<T, ValueFault>,
) -> Result<Vec<T>, ValueFault> {
    let mut reader = Reader::new(bytes);
    let (mut all, count) = with_capacity(&mut reader)?;
    for _ in 0..count {
        all.push(convert(reader.u32_prefixed().ok_or(ValueFault::Malformed)?)?);
    }
    reader.finish().ok_or(ValueFault::Malformed)?;
    if unique(all.iter()) { Ok(all) } else { Err(ValueFault::DuplicateMember) }
}

/// The count and room for that many, but never for more than the input could hold at four bytes each.
fn with_capacity<T>(reader: &mut Reader<'_>) -> Result<(Vec<T>, usize), ValueFault> {
    let count = reader.u32().ok_or(ValueFault::Malformed)?;
    if count > reader.left() / 4 {
        return Err(ValueFault::Malformed);
    }
    Ok((Vec::with_capacity(count.min(1024)), count))
}

/// Whether all are different; quadratic for the few, hashed for the many.
pub(crate) fn unique<T: Eq + Hash>(all: impl ExactSizeIterator<Item = T> + Clone) -> bool {
    if all.len() <= 16 {
        let mut rest = all;
        while let Some(one) = rest.next() {
            if rest.clone().any(|other| other == one) {
                return false;
            }
        }
        true
    } else {
        let mut seen = HashSet::with_capacity(all.len());
        all.into_iter().all(|one| seen.insert(one))
    }
}

fn text(bytes: &[u8]) -> Result<Cow<'_, str>, ValueFault> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| ValueFault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_sort_before_the_private_use_area() {
        let mut all = ["\u{10000}", "\u{ffff}", "\u{e000}", "\u{d7ff}", "a", ""];
        all.sort_unstable_by(|left, right| utf16_order(left, right));
        let mut expected = all;
        expected.sort_by_key(|text| text.encode_utf16().collect::<Vec<_>>());
        assert_eq!(all, expected);
        assert_eq!(all[3..], ["\u{10000}", "\u{e000}", "\u{ffff}"]);
    }

    #[test]
    fn depth_32_passes_and_33_fails_both_ways() {
        let nest = |levels: usize| (1..levels).fold(Value::S("x".into()), |inner, _| Value::L(vec![inner]));
        let mut bytes = Vec::new();
        write(&nest(32), &mut bytes).unwrap();
        assert_eq!(read(L, &bytes).unwrap(), nest(32));
        assert_eq!(write(&nest(33), &mut Vec::new()), Err(ValueFault::TooDeep));
        let deeper = [&[0, 0, 0, 1][..], &L, &u32::try_from(bytes.len()).unwrap().to_be_bytes(), &bytes].concat();
        assert_eq!(read(L, &deeper), Err(ValueFault::TooDeep));
    }

    #[test]
    fn a_count_beyond_the_input_allocates_nothing() {
        assert_eq!(read(L, &[0xff; 8]), Err(ValueFault::Malformed));
    }
}
