//! Dynaseal's code in an error of the SDK.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;

/// The code of Dynaseal's own errors, such as `DSL-3008` for an item that was changed; `None` for DynamoDB's.
///
/// ```
/// # use aws_sdk_dynamodb::error::ErrorMetadata;
/// # use aws_sdk_dynamodb::operation::get_item::GetItemError;
/// # let error = GetItemError::generic(ErrorMetadata::builder().message("DSL-3008: GetItem on table Users: …").build());
/// if dynaseal::code(&error).is_some_and(|code| code.starts_with("DSL-3")) {
///     // the stored item is not what was sealed
/// }
/// # assert_eq!(dynaseal::code(&error), Some("DSL-3008"));
/// ```
pub fn code(error: &impl ProvideErrorMetadata) -> Option<&str> {
    let code = error.message()?.split(':').next()?;
    let digits = code.strip_prefix("DSL-")?;
    (digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}
