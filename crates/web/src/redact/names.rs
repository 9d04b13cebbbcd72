//! Which names are sensitive. Case and separators do not count: `access_token`, `accessToken` and `ACCESS-TOKEN` are one name.

/// Whether a member, a header or a parameter of this name holds a secret by default.
#[must_use]
pub fn is_sensitive_name(name: &str) -> bool {
    // A name that long is none that a programmer chose.
    if name.len() > LONGEST_NAME {
        return true;
    }
    let canonical = canonical(name);
    let word_tells = words(name).any(|word| WORDS.contains(&word.as_str()));
    EXACT.contains(&canonical.as_str()) || PARTS.iter().any(|part| canonical.contains(part)) || word_tells
}

/// Letters and digits alone, in lower case, full-width forms as the plain ones.
pub(super) fn canonical(name: &str) -> String {
    let narrow = |char: char| match u32::from(char) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(char),
        _ => char,
    };
    name.chars().map(narrow).filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `customerSsn`, `db_pass`: one of their words alone tells, but not as a part of another (compass).
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut after_small = false;
    for char in name.chars() {
        if char.is_uppercase() && after_small {
            spaced.push(' ');
        }
        after_small = char.is_lowercase() || char.is_numeric();
        spaced.extend(char.to_lowercase());
    }
    let words: Vec<_> = spaced.split(|char: char| !char.is_alphanumeric()).map(str::to_owned).collect();
    words.into_iter()
}

const LONGEST_NAME: usize = 256;
const PARTS: [&str; 28] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "authorization",
    "credential",
    "cookie",
    "session",
    "jwt",
    "bearer",
    "csrf",
    "xsrf",
    "email",
    "phone",
    "creditcard",
    "cardnumber",
    "socialsecurity",
    "passport",
    "bankaccount",
    "accountnumber",
];
const WORDS: [&str; 13] =
    ["pwd", "pass", "pin", "otp", "totp", "cvv", "cvc", "cvv2", "ssn", "auth", "iban", "dob", "mail"];
const EXACT: [&str; 26] = [
    "mfa",
    "mfacode",
    "pan",
    "sid",
    "dateofbirth",
    "birthdate",
    "mobile",
    "taxid",
    "nationalid",
    "signature",
    "sig",
    "xamzsignature",
    "rawheaders",
    "rawbody",
    // DynamoDB: maps of values and keys.
    "expressionattributevalues",
    "exclusivestartkey",
    "lastevaluatedkey",
    "attributeupdates",
    "keyconditions",
    "queryfilter",
    "scanfilter",
    "requestitems",
    "transactitems",
    "unprocesseditems",
    "unprocessedkeys",
    "cancellationreasons",
];
