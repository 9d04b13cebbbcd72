// A self-signed certificate for a test server on this machine, made at run time, so that no key lies in the repository.
// X.509 (RFC 5280) in DER, as far as one certificate goes: Node has no function that makes one.

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** Certificate and private key as PEM, for `localhost` and 127.0.0.1, valid for a day. */
export function selfSigned() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(set(sequence(oid("550403"), utf8("dynaseal example, test only"))));
  const now = Date.now();
  const names = sequence(tag(0x82, Buffer.from("localhost")), tag(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = sequence(
    sequence(oid("551d13"), TRUE, octets(sequence(TRUE))), // basic constraints: its own authority
    sequence(oid("551d11"), octets(names)), // subject alternative names
  );
  const body = sequence(
    tag(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    name,
    sequence(time(now - 3_600_000), time(now + 86_400_000)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tag(0xa3, extensions),
  );
  const signature = tag(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", body, privateKey)]));
  const der = sequence(body, ECDSA_SHA256, signature);
  const lines = der.toString("base64").match(/.{1,64}/g).join("\n");
  const certificate = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  return { certificate, key: privateKey.export({ type: "pkcs8", format: "pem" }) };
}

function tag(kind, ...parts) {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([kind, ...size]), content]);
}

const sequence = (...parts) => tag(0x30, ...parts);
const set = (...parts) => tag(0x31, ...parts);
const integer = (bytes) => tag(0x02, bytes);
const octets = (bytes) => tag(0x04, bytes);
const oid = (hex) => tag(0x06, Buffer.from(hex, "hex"));
const utf8 = (text) => tag(0x0c, Buffer.from(text));
const time = (at) => tag(0x18, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]|\.\d*/g, "")}`));
const TRUE = tag(0x01, Buffer.from([0xff]));
const ECDSA_SHA256 = sequence(oid("2a8648ce3d040302"));
