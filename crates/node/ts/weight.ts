// How long the engine will work on a body, in about microseconds: what would hold up the event loop goes to another thread. Bytes
// alone do not tell, since a signature takes longer than all else about a small item.

/** From here on another thread works. To hand a body over takes some thirty, and the estimate may be short by half. */
const MOST = 1000;

const BYTES_A_MICROSECOND = 64;
const UNSIGNED = 20;
/** ECDSA over P-384. */
const TO_SIGN = 150;
const TO_VERIFY = 300;

/** Whether an answer, or another text of stored items, is heavy. */
export function isHeavyToOpen(body: Uint8Array | string): boolean {
  let weight = body.length / BYTES_A_MICROSECOND;
  const text = searchable(body);
  for (let at = text.indexOf(FOOTER); at >= 0 && weight < MOST; at = text.indexOf(FOOTER, at + FOOTER.length))
    weight += isSignature(text, at) ? TO_VERIFY : UNSIGNED;
  return weight >= MOST;
}

/** Whether a request is heavy; `signs` is whether any table's items are signed. */
export function isHeavyToSeal(body: Uint8Array | string, signs: boolean): boolean {
  let weight = body.length / BYTES_A_MICROSECOND;
  const text = searchable(body);
  for (const name of ITEMS) {
    for (let at = text.indexOf(name); at >= 0 && weight < MOST; at = text.indexOf(name, at + name.length))
      weight += signs ? TO_SIGN : UNSIGNED;
  }
  return weight >= MOST;
}

interface Searchable {
  indexOf(what: string, from?: number): number;
}

function searchable(body: Uint8Array | string): Searchable {
  return typeof body === "string" || body instanceof Buffer ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** A footer without a signature has 64 characters for each of its data keys, of which there are seldom more than two. */
function isSignature(text: Searchable, at: number): boolean {
  // The quotes of the name's end, of the type, and those around the value.
  let quote = at;
  for (let number = 0; number < 4; number += 1) {
    quote = text.indexOf('"', quote + 1);
    if (quote < 0) return true;
  }
  const end = text.indexOf('"', quote + 1);
  return end < 0 || end - quote > LONGEST_UNSIGNED;
}

const FOOTER = "aws_dbe_foot";
/** What holds an item that is to be sealed; statements hold them as text. */
const ITEMS = ['"Item"', '"Statement"'];
const LONGEST_UNSIGNED = 140;
