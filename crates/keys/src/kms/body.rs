//! Bodies of KMS calls: written field by field, read with their secrets wiped.

use dynaseal_item::{Context, json};
use zeroize::Zeroizing;

use crate::json::Node;

/// A request under construction.
pub(crate) struct Request(Vec<u8>);

impl Request {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(1024))
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        json::write_text(value, &mut self.0);
        self
    }

    pub(crate) fn bytes(self, name: &str, value: &[u8]) -> Self {
        self.text(name, &base64_simd::STANDARD.encode_to_string(value))
    }

    pub(crate) fn number(mut self, name: &str, value: u32) -> Self {
        self.name(name);
        self.0.extend_from_slice(value.to_string().as_bytes());
        self
    }

    pub(crate) fn yes(mut self, name: &str) -> Self {
        self.name(name);
        self.0.extend_from_slice(b"true");
        self
    }

    pub(crate) fn context(mut self, name: &str, context: &Context) -> Self {
        if context.is_empty() {
            return self;
        }
        self.name(name);
        self.0.push(b'{');
        for (number, (key, value)) in context.iter().enumerate() {
            if number > 0 {
                self.0.push(b',');
            }
            json::write_text(key, &mut self.0);
            self.0.push(b':');
            json::write_text(value, &mut self.0);
        }
        self.0.push(b'}');
        self
    }

    pub(crate) fn texts(mut self, name: &str, values: &[String]) -> Self {
        if values.is_empty() {
            return self;
        }
        self.name(name);
        self.0.push(b'[');
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                self.0.push(b',');
            }
            json::write_text(value, &mut self.0);
        }
        self.0.push(b']');
        self
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }

    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        json::write_text(name, &mut self.0);
        self.0.push(b':');
    }
}

/// A successful answer. Its texts are wiped when it is dropped.
pub(crate) struct Reply(Vec<(String, Node)>);

impl Reply {
    /// Reads a body, which is wiped.
    pub(crate) fn read(body: Vec<u8>) -> Option<Self> {
        let body = Zeroizing::new(body);
        match Node::parse(std::str::from_utf8(&body).ok()?) {
            Ok(Node::Object(fields)) => Some(Self(fields)),
            _ => None,
        }
    }

    /// A member that is an object.
    pub(crate) fn into_object(self, name: &str) -> Option<Self> {
        self.0.into_iter().find_map(|(field, node)| match node {
            Node::Object(fields) if field == name => Some(Self(fields)),
            _ => None,
        })
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(field, node)| match node {
            Node::Text(text) if field == name => Some(text.as_str()),
            _ => None,
        })
    }

    pub(crate) fn bytes(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        base64_simd::STANDARD.decode_to_vec(self.text(name)?).ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_json() {
        let mut context = Context::new();
        context.insert("b\"", "é\n");
        context.insert("a", "1");
        let body = Request::new()
            .text("KeyId", "k")
            .number("NumberOfBytes", 32)
            .context("EncryptionContext", &context)
            .texts("GrantTokens", &["x".to_owned(), "y".to_owned()])
            .bytes("CiphertextBlob", &[255, 0])
            .finish();
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let wanted = serde_json::json!({"KeyId": "k", "NumberOfBytes": 32, "EncryptionContext": {"a": "1", "b\"": "é\n"},
            "GrantTokens": ["x", "y"], "CiphertextBlob": "/wA="});
        assert_eq!(read, wanted);
        assert_eq!(Request::new().context("C", &Context::new()).texts("G", &[]).finish(), b"{}");
    }

    #[test]
    fn answers_are_read() {
        let reply = Reply::read(br#"{"KeyId":"k","Plaintext":"AQI=","Other":{"x":1}}"#.to_vec()).unwrap();
        assert_eq!((reply.text("KeyId"), reply.bytes("Plaintext").as_deref()), (Some("k"), Some(&vec![1, 2])));
        assert!(
            reply.text("Other").is_none() && reply.bytes("KeyId").is_none() && Reply::read(b"[]".to_vec()).is_none()
        );
    }
}
