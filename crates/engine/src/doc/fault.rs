//! What is wrong with a text that should be JSON of some form.

use dynaseal_item::json::{self, Words};

/// Text that is not the JSON that was expected. Says nothing of what the text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson(pub(crate) &'static str);

impl NotJson {
    /// DynamoDB's own words for it, if it has any.
    pub(crate) fn words(self) -> Option<Words> {
        let is_null = (self == IS_NULL).then_some(Words { text: self.0, of_types: false });
        is_null.or_else(|| json::dynamodb_words(self.0))
    }

    /// Whether DynamoDB could not read it either. All else is a request that it could, and that is refused here.
    pub(crate) fn is_malformed(self) -> bool {
        MALFORMED.contains(&self)
    }
}

/// Text that is not JSON at all, or has another type than its place.
const MALFORMED: [NotJson; 8] =
    [NOT_JSON, NOT_UTF8, NOT_READABLE, NOT_AN_OBJECT, NOT_A_LIST, NOT_A_STRING, NOT_A_SETTING, NOT_A_FLAG];
pub(super) const NOT_JSON: NotJson = NotJson("it is not JSON");
pub(crate) const NOT_UTF8: NotJson = NotJson("it is not UTF-8");
/// It ends early somewhere, or nests deeper than is read.
pub(crate) const NOT_READABLE: NotJson = NotJson("it is not JSON that can be read");
pub(crate) const NOT_AN_OBJECT: NotJson = NotJson("an object was expected");
/// Null where a list or an object must be, in DynamoDB's words. A member that is null is as good as absent.
pub(crate) const IS_NULL: NotJson = NotJson("A parameter that must have a value is null");
pub(super) const NOT_A_STRING: NotJson = NotJson("a string was expected");
pub(crate) const NOT_A_SETTING: NotJson = NotJson("a text, a number or a flag was expected");
pub(crate) const NOT_A_FLAG: NotJson = NotJson("true or false was expected");
/// A list with more elements than it may have.
pub(crate) const TOO_MANY: NotJson = NotJson("it has too many entries");
pub(super) const NOT_A_LIST: NotJson = NotJson("a list was expected");
