// Which names are sensitive. Case and separators do not count: access_token, accessToken and ACCESS-TOKEN are one name.

/** Whether a name is sensitive by default. */
export function isSensitiveName(name: string): boolean {
  const canonical = canonicalName(name);
  return EXACT.has(canonical) || PARTS.test(canonical) || words(name).some((word) => WORDS.has(word));
}

/** A test for names: the defaults, `names` (whole names, or patterns), less `keep`. It remembers what it was asked. */
export function nameTest(names: readonly (string | RegExp)[], keep: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => typeof name === "string").map(canonicalName));
  const patterns = names.filter((name) => name instanceof RegExp).map((pattern) => new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")));
  const kept = new Set(keep.map(canonicalName));
  const known = new Map<string, boolean>();
  return (name) => {
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const canonical = canonicalName(name);
    const sensitive = exact.has(canonical) || patterns.some((pattern) => pattern.test(name)) || (!kept.has(canonical) && isSensitiveName(name));
    if (known.size < MAX_KNOWN && name.length <= MAX_NAME) known.set(name, sensitive);
    return sensitive;
  };
}

/** Only letters and digits, lower case, compatibility forms folded. */
function canonicalName(name: string): string {
  return name.slice(0, MAX_NAME).normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** `customerSsn`, `db_pass`: one of their words alone tells, but not as a part of another (compass). */
function words(name: string): string[] {
  return name.slice(0, MAX_NAME).replace(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z\d]+/);
}

/** Names of DynamoDB's requests and answers that hold items, for logs of the SDK. Too general to be sensitive elsewhere. */
export const ITEM_NAMES = [
  "Item", "Items", "Key", "Keys", "Attributes", "Responses", "Expected", "Parameters", "Statement", "Statements", "Records",
  "ItemCollectionMetrics",
];

const PARTS = new RegExp(
  [
    "password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey", "privatekey", "signingkey",
    "encryptionkey", "masterkey",
    "authorization", "credential", "cookie", "session", "jwt", "bearer", "csrf", "xsrf", "email", "phone", "creditcard",
    "cardnumber", "socialsecurity",
    "passport", "bankaccount", "accountnumber",
  ].join("|"),
);
const WORDS = new Set(["pwd", "pass", "pin", "otp", "totp", "cvv", "cvc", "cvv2", "ssn", "auth", "iban", "dob", "mail"]);
const EXACT = new Set([
  "mfa", "mfacode", "pan", "sid", "dateofbirth", "birthdate", "mobile", "taxid", "nationalid", "signature", "sig",
  "xamzsignature", "rawheaders", "rawbody",
  // DynamoDB: maps of values and keys
  "expressionattributevalues", "exclusivestartkey", "lastevaluatedkey", "attributeupdates", "keyconditions", "queryfilter",
  "scanfilter", "requestitems",
  "transactitems", "unprocesseditems", "unprocessedkeys", "cancellationreasons",
]);
const MAX_KNOWN = 4096;
const MAX_NAME = 256;
