// What is redacted inside of texts. Every pattern is linear or bounded, so a long text costs no more than its length.

/** A function that takes secrets out of a text. */
export function textRedactor(
  isSensitive: (name: string) => boolean,
  extra: readonly RegExp[],
  mark: string,
  maxLength: number,
): (text: string) => string {
  const patterns = [...PATTERNS, ...extra].map(({ source, flags }) => new RegExp(source, `${flags.replace(/[gy]/g, "")}g`));
  const replaceMark = (): string => mark;
  return (text) => {
    if (text.length > maxLength) return `${mark} (a text of ${text.length} characters)`;
    let clean = text.replace(USER_INFO, (_match, scheme: string) => `${scheme}${mark}@`);
    for (const pattern of patterns) clean = clean.replace(pattern, replaceMark);
    clean = clean.replace(DIGITS, (run) => (holdsCardNumber(run) ? mark : run));
    return hidePairs(clean, isSensitive, mark);
  };
}

/**
 * A name and its value: `password=x`, `"password": "x"`, `Cookie: x`, `'password' => 'x'`, `--password x`, `<password>x<`. A quoted
 * value ends at its quote, another one with the line after a colon, and at a space or `&` after an equals sign; JSON inside JSON, a
 * list, an object or an open quote ends with the text.
 */
function hidePairs(text: string, isSensitive: (name: string) => boolean, mark: string): string {
  let clean = "";
  let done = 0;
  const names = new RegExp(NAME, "g");
  for (let found = names.exec(text); found !== null; found = names.exec(text)) {
    const [, dashes, name = "", sign] = found;
    if ((sign === undefined && dashes === "") || !isSensitive(name)) continue;
    const start = names.lastIndex;
    const value = new RegExp(sign === ":" ? LINE_VALUE : sign === ">" ? ELEMENT_VALUE : WORD_VALUE, "y");
    value.lastIndex = start;
    const end = value.test(text) ? value.lastIndex : text.length;
    if (sign === ">" && end === start) continue;
    clean += text.slice(done, start) + mark;
    done = end;
    names.lastIndex = end;
  }
  return clean + text.slice(done);
}

/** Whether digits, alone or in groups, hold the number of a payment card: known first digits, right length, Luhn's sum. */
export function holdsCardNumber(run: string): boolean {
  const groups = run.split(/[ -]/);
  for (let start = 0; start < groups.length; start += 1) {
    let digits = "";
    for (let end = start; end < groups.length && digits.length <= MAX_CARD; end += 1) {
      digits += groups[end];
      if (isCardNumber(digits)) return true;
    }
  }
  return false;
}

function isCardNumber(digits: string): boolean {
  if (!CARD.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]);
    const twice = digit * 2;
    sum += i % 2 === 0 ? digit : twice > 9 ? twice - 9 : twice;
  }
  return sum % 10 === 0;
}

const PATTERNS = [
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z ]{0,40}-----|$)/,
  /\beyJ[A-Za-z0-9+/_-]{10,}={0,2}(?:\.[A-Za-z0-9_-]*){0,4}/, // JWT, JWE, and other JSON in base64
  /\b(?:bearer|basic|digest|negotiate)\s{1,4}[A-Za-z0-9._~+/=-]{6,}/i,
  /\bAWS4-HMAC-SHA256\s[^\n]*/,
  /\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|ANVA|APKA)[A-Z0-9]{12,}/, // AWS: ids of keys and principals
  // AWS: secret keys
  /(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]{0,39}[a-z])(?=[A-Za-z0-9/+]{0,39}[A-Z])(?=[A-Za-z0-9/+]{0,39}\d)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/,
  /\b(?:gh[pousr]_|github_pat_|glpat-|npm_|xox[abeprs]-|sk-|[spr]k_(?:live|test)_|whsec_)[A-Za-z0-9_-]{10,}/,
  /(?:"[^"\n]{1,64}"|[^\s@<>"'(),:;[\]\\/=&?]{1,64})(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/iu, // e-mail
  /(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)/, // US social security number
];
/** The user and password of a URL. */
const USER_INFO = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@]{1,512}@/gi;
/** Digits in groups, long enough for a card. */
const DIGITS = /(?<!\d)\d(?:[ -]?\d){12,40}(?!\d)/g;
const MAX_CARD = 19;
/** Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay, Maestro. */
const CARD = /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6\d{15,18}|35\d{14}|5[06-8]\d{10,17})$/;
const NAME = /(?<!\w)(-{0,2})(\w[\w.-]{0,127})(?:\\{0,8}["'`]?\s{0,4}(:|=>?|>|%3[AaDd])\s{0,4}|\s{1,4})/;
const QUOTED = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/.source;
const LINE_VALUE = new RegExp(`${QUOTED}|[^\\s"'\`\\\\[{][^\\r\\n]*`);
const WORD_VALUE = new RegExp(`${QUOTED}|[^\\s"'\`\\\\[{&][^\\s&]*|(?=[\\s&]|$)`);
const ELEMENT_VALUE = /[^<\r\n]*/;
