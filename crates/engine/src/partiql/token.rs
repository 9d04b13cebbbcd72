//! NextToken: where a read stopped, bound to the statement that it belongs to. Literals and parameters have no part in that:
//! a token may end up in an address or a log, and a hash of few possible values tells which of them it was.
//!
//! | part | length |
//! |---|---|
//! | fingerprint of the statement's other words and of what follows | 32 hexadecimal digits |
//! | number of the partition | 4 hexadecimal digits |
//! | `ExclusiveStartKey` as JSON, empty at the start of a partition | 2 hexadecimal digits for each byte |

use dynaseal_item::json;

use super::lex::{TokenKind, lex};
use super::{Fault, Planned};

/// A place in a read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Which of the partitions that the statement names.
    pub(super) partition: usize,
    /// After which item, as JSON.
    pub(super) after: Option<String>,
}

impl Place {
    /// The token of this place in the read of a statement.
    pub(super) fn token(&self, planned: &Planned<'_>) -> String {
        let place = self.place();
        format!("{}{place}", fingerprint(planned, &place))
    }

    /// The place that a token of this statement means.
    ///
    /// # Errors
    /// In DynamoDB's words.
    pub(super) fn of_token(token: &str, planned: &Planned<'_>) -> Result<Self, Fault> {
        let invalid = || Fault::Invalid("Invalid NextToken".to_owned());
        let (print, place) = token.split_at_checked(32).ok_or_else(invalid)?;
        let (partition, after) = place.split_at_checked(4).ok_or_else(invalid)?;
        let partition = bytes(partition).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok()).ok_or_else(invalid)?;
        let after = bytes(after).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(invalid)?;
        let mismatch = print != fingerprint(planned, place);
        if mismatch {
            return Err(Fault::Invalid("NextToken does not match request".to_owned()));
        }
        let after = Some(after).filter(|after| !after.is_empty());
        // Anyone can make a token, so what it holds must be a key and nothing more.
        if after.as_deref().is_some_and(|after| json::read_item(after).is_err()) {
            return Err(invalid());
        }
        Ok(Self { partition: u16::from_be_bytes(partition).into(), after })
    }

    fn place(&self) -> String {
        let after = self.after.as_deref().unwrap_or_default();
        let hex = after.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("{:04x}{hex}", self.partition)
    }
}

fn fingerprint(planned: &Planned<'_>, place: &str) -> String {
    // That the statement can be read was found before.
    let words = lex(&planned.text).unwrap_or_default();
    let words = words.iter().map(|word| match &word.kind {
        TokenKind::Word(text) => text,
        TokenKind::Quoted(name) => name.as_ref(),
        TokenKind::Sign(sign) => sign,
        TokenKind::Text(_) | TokenKind::Number(_) => "",
    });
    let parts: Vec<_> = words.chain([place]).map(str::as_bytes).collect();
    dynaseal_keys::fingerprint(&parts)
}

/// Lower-case hexadecimal digits only, so that a place has one token.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::Object;

    fn planned(statement: &str, parameters: &str) -> String {
        format!(r#"{{"Statement":"{statement}","Parameters":[{parameters}]}}"#)
    }

    fn read(body: &str) -> Planned<'static> {
        let holder = Object::parse(body).unwrap();
        let text = holder.text("Statement").unwrap().unwrap().into_owned();
        Planned::read(&holder, &text, |_| None).unwrap()
    }

    #[test]
    fn a_token_leads_back_to_its_place_in_its_statement_alone() {
        let one = read(&planned("SELECT * FROM T WHERE a = ? AND b < 'secret'", r#"{"S":"1"}"#));
        let place = Place { partition: 7, after: Some(r#"{"a":{"S":"é"}}"#.into()) };
        let token = place.token(&one);
        assert_eq!(Place::of_token(&token, &one), Ok(place.clone()));
        // No value can be guessed by trying which of them gives the token.
        let other = planned("SELECT  * FROM T WHERE a = ? AND b < 'another'", r#"{"S":"2"}"#);
        assert_eq!(place.token(&read(&other)), token);
        for other in ["SELECT * FROM U WHERE a = ? AND b < ''", "SELECT * FROM T WHERE a = ? AND b > ''"] {
            let mismatch = Err(Fault::Invalid("NextToken does not match request".into()));
            assert_eq!(Place::of_token(&token, &read(&planned(other, r#"{"S":"1"}"#))), mismatch);
        }
        for wrong in ["", "x", &token[..35], &token.to_uppercase(), &token[..token.len() - 1], "é".repeat(40).as_str()]
        {
            assert!(Place::of_token(wrong, &one).is_err(), "{wrong}");
        }
        let forged = Place { partition: 0, after: Some(r#"{},"TableName":"Other""#.into()) };
        assert_eq!(Place::of_token(&forged.token(&one), &one), Err(Fault::Invalid("Invalid NextToken".into())));
        let mut changed = token.into_bytes();
        *changed.last_mut().unwrap() ^= 1;
        assert!(Place::of_token(&String::from_utf8(changed).unwrap(), &one).is_err());
    }
}
