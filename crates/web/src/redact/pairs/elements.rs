//! Elements of XML and HTML: what is in one with a sensitive name, and what stands beside such a name.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::super::tokens::{Name, is_name_byte, is_name_start, tag_end, tag_name_end};
use super::super::values::{Pattern, Sign, byte, skip_blanks, skip_space, value_at};
use super::{Naming, Pairs};

impl Pairs<'_> {
    /// An element begins. One with a sensitive name hides what is in it.
    pub(super) fn element(&mut self, at: usize) {
        let text = self.text;
        self.forget();
        let is_end = byte(text, at + 1) == b'/';
        self.is_tag = is_end || is_name_start(text, at + 1);
        // Promise<Token>
        let is_type = at > 0 && is_name_byte(byte(text, at - 1));
        if !self.is_tag || is_end || is_type {
            return;
        }
        let name = text.get(at + 1..tag_name_end(text, at + 1)).unwrap_or_default();
        self.tag = name;
        if !self.is_sensitive(name) {
            return;
        }
        self.named = Some(Naming::ByName);
        if let Some(close) = tag_end(text, at).filter(|close| byte(text, close - 1) != b'/') {
            let rest = text.get(close..).unwrap_or_default();
            self.content(close + 1, rest.find(&format!("</{name}")).map(|end| close + end));
        }
    }

    /// A tag ends: one whose attribute named something sensitive hides what is in its element.
    pub(super) fn close(&mut self, at: usize) {
        if self.is_tag && self.named == Some(Naming::ByName) && byte(self.text, at.saturating_sub(1)) != b'/' {
            self.inside(at, self.tag);
        }
        self.is_tag = false;
    }

    /// What is in an element behind its tag's `>`: a text, or all in its own elements.
    fn inside(&mut self, tag_end: usize, name: &str) {
        let text = self.text;
        let start = skip_space(text, tag_end + 1);
        if byte(text, start) != b'<' || !is_name_start(text, start + 1) {
            return self.content(tag_end + 1, None);
        }
        let end = text.get(start..).and_then(|rest| rest.find(&format!("</{name}"))).map(|end| start + end);
        self.content(start, end);
    }

    fn content(&mut self, start: usize, end: Option<usize>) {
        let value = end.map_or_else(|| value_at(self.text, start, Sign::Element, 0), |end| start..end);
        if !self.text.get(value.clone()).unwrap_or_default().trim().is_empty() {
            self.found.push(value);
        }
    }

    /// `<key>password</key><string>x</string>`, `<td>Password</td><td>x</td>`
    pub(super) fn element_text(&mut self, name: &Name<'_>) {
        let text = self.text;
        let close = skip_blanks(text, name.end + usize::from(byte(text, name.end) == b':'));
        let rest = text.get(close..).unwrap_or_default();
        if !rest.starts_with("</") || !self.is_secret(name) {
            return;
        }
        let Some(next) = rest.get(2..).and_then(|rest| rest.find('<')).map(|next| close + 2 + next) else { return };
        if byte(text, next + 1) == b'/' {
            return;
        }
        let Some(open) = tag_end(text, next) else { return };
        let tag = text.get(next..open).unwrap_or_default();
        if let Some(value) = VALUE_ATTRIBUTE.as_ref().and_then(|value| value.captures(tag)?.get(1)) {
            self.found.push(next + value.start()..next + value.end());
        } else if byte(text, open - 1) != b'/' {
            self.inside(open, text.get(next + 1..tag_name_end(text, next + 1)).unwrap_or_default());
        }
    }
}

static VALUE_ATTRIBUTE: Pattern =
    LazyLock::new(|| Regex::new(r#"(?i)^<input\b[^>]*?\svalue\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)"#).ok());
