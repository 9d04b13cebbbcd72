//! How a caller's body is encoded, and in which protocol it waits for an answer.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::request::Parts;

use crate::reject::Reject;

/// `Content-Encoding`, as far as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Reject> {
        let mut names = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().map_err(|_| Reject::Encoding { name: OTHER })?;
            let of_value = value.split(',').map(|name| name.trim().to_ascii_lowercase());
            names.extend(of_value.filter(|name| !matches!(name.as_str(), "" | "identity")));
        }
        match names.as_slice() {
            [] => Ok(Self::Plain),
            [name] if matches!(name.as_str(), "gzip" | "x-gzip") => Ok(Self::Gzip),
            [name] => Err(Reject::Encoding { name: KNOWN.into_iter().find(|known| known == name).unwrap_or(OTHER) }),
            _ => Err(Reject::Encoding { name: "more than one encoding" }),
        }
    }
}

/// Unpacks step by step, so that whoever bounds the outcome can do so before it is there.
pub(crate) struct Unpacked<'p>(MultiGzDecoder<&'p [u8]>);

impl<'p> Unpacked<'p> {
    pub(crate) fn of(packed: &'p [u8]) -> Self {
        Self(MultiGzDecoder::new(packed))
    }

    /// Some more bytes in `room`; how many, and 0 at the end.
    pub(crate) fn more(&mut self, room: &mut [u8]) -> Result<usize, Reject> {
        self.0.read(room).map_err(|_| Reject::Garbled)
    }
}

/// The protocol in which an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// awsJson 1.0, which is read.
    Json,
    /// Smithy's RPC v2 with CBOR, which is not: but who speaks it must be able to read why.
    Cbor,
}

impl Protocol {
    /// Which one a request speaks.
    pub(crate) fn of(head: &Parts) -> Self {
        let is =
            |name: &str, text: &str| head.headers.get(name).is_some_and(|value| value.as_bytes() == text.as_bytes());
        let is_cbor = is(SMITHY_PROTOCOL, RPC_V2_CBOR)
            || (is(CONTENT_TYPE.as_str(), CBOR) && head.uri.path().starts_with("/service/"));
        if is_cbor { Self::Cbor } else { Self::Json }
    }

    /// An answer of ours, which is an object of texts, in this protocol.
    pub(crate) fn write(self, json: Bytes) -> Bytes {
        match self {
            Self::Json => json,
            Self::Cbor => cbor(&serde_json::from_slice(&json).unwrap_or_default()).into(),
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.0",
            Self::Cbor => CBOR,
        }
    }

    /// Whether it is one that the gateway carries out requests in.
    pub(crate) fn is_read(self) -> bool {
        self == Self::Json
    }
}

/// A map of texts as CBOR (RFC 8949, section 3.1).
fn cbor(texts: &serde_json::Map<String, serde_json::Value>) -> Vec<u8> {
    let texts: Vec<_> = texts.iter().filter_map(|(name, value)| Some((name, value.as_str()?))).collect();
    let mut out = Vec::new();
    cbor_head(MAP, texts.len(), &mut out);
    for text in texts.into_iter().flat_map(|(name, value)| [name.as_str(), value]) {
        cbor_head(TEXT, text.len(), &mut out);
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// A major type with its length.
fn cbor_head(major: u8, length: usize, out: &mut Vec<u8>) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 24 => out.push(major | short),
        (Ok(byte), _) => out.extend([major | 24, byte]),
        (_, Ok(two)) => {
            out.push(major | 25);
            out.extend(two.to_be_bytes());
        }
        // No answer of ours comes near it.
        _ => {
            out.push(major | 27);
            out.extend(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
}

/// The header that names a protocol of Smithy's.
pub(crate) const SMITHY_PROTOCOL: &str = "smithy-protocol";
pub(crate) const RPC_V2_CBOR: &str = "rpc-v2-cbor";
const CBOR: &str = "application/cbor";
const MAP: u8 = 5 << 5;
const TEXT: u8 = 3 << 5;
/// Encodings that are named; of others a caller's text would be repeated.
const KNOWN: [&str; 7] = ["br", "compress", "deflate", "x-compress", "zstd", "aws-chunked", "dcz"];
const OTHER: &str = "an encoding that is not known";

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn gzip_is_read_and_others_are_named() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, value.parse().unwrap());
            }
            Encoding::of(&headers)
        };
        for plain in [&[][..], &[""], &["identity"], &["identity, identity"]] {
            assert_eq!(of(plain), Ok(Encoding::Plain), "{plain:?}");
        }
        for gzip in [&["gzip"][..], &["GZip"], &["x-gzip"], &["identity, gzip"], &["identity", "gzip"]] {
            assert_eq!(of(gzip), Ok(Encoding::Gzip), "{gzip:?}");
        }
        for (other, name) in [
            (&["br"][..], "br"),
            (&["zstd"], "zstd"),
            (&["Deflate"], "deflate"),
            (&["canary"], OTHER),
            (&["gzip, gzip"], "more than one encoding"),
            (&["gzip", "br"], "more than one encoding"),
        ] {
            assert_eq!(of(other), Err(Reject::Encoding { name }), "{other:?}");
        }
    }

    #[test]
    fn errors_are_written_in_the_protocol_that_was_asked() {
        let of = |headers: &[(&str, &str)], path: &str| {
            let start = Request::post(path);
            let request = headers.iter().fold(start, |request, (name, value)| request.header(*name, *value));
            Protocol::of(&request.body(()).unwrap().into_parts().0)
        };
        let path = "/service/DynamoDB_20120810/operation/GetItem";
        assert_eq!(of(&[("smithy-protocol", "rpc-v2-cbor")], path), Protocol::Cbor);
        assert_eq!(of(&[("smithy-protocol", "rpc-v2-cbor")], "/"), Protocol::Cbor);
        assert_eq!(of(&[("content-type", "application/cbor")], path), Protocol::Cbor);
        assert_eq!(of(&[("content-type", "application/x-amz-json-1.0")], "/"), Protocol::Json);
        assert_eq!(of(&[("content-type", "application/cbor")], "/"), Protocol::Json);
    }

    #[test]
    fn cbor_has_lengths_of_every_size() {
        let text = |length: usize| "x".repeat(length);
        for (length, head) in
            [(0, &[0x60][..]), (23, &[0x77]), (24, &[0x78, 24]), (255, &[0x78, 255]), (256, &[0x79, 1, 0])]
        {
            let json = serde_json::json!({ "m": text(length) }).to_string();
            let expected = [&[0xa1, 0x61, b'm'], head, text(length).as_bytes()].concat();
            assert_eq!(Protocol::Cbor.write(json.into()), expected, "{length}");
        }
        assert_eq!(&Protocol::Json.write("{\"m\":1}".into())[..], b"{\"m\":1}");
    }
}
