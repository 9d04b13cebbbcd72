// What services write by hand today: AES-256-GCM for each attribute, kept as three base64 attributes. It does less than Dynaseal:
// nothing binds a value to its item or its name, nothing signs the others, and every item has the same key.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const key = randomBytes(32);

export function encrypt(item, names) {
  const out = { ...item };
  for (const name of names) {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    out[name] = cipher.update(JSON.stringify(item[name]), "utf8", "base64") + cipher.final("base64");
    out[`${name}_iv`] = iv.toString("base64");
    out[`${name}_tag`] = cipher.getAuthTag().toString("base64");
  }
  return out;
}

export function decrypt(item, names) {
  const out = { ...item };
  for (const name of names) {
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(item[`${name}_iv`], "base64"), {
      authTagLength: 16,
    });
    decipher.setAuthTag(Buffer.from(item[`${name}_tag`], "base64"));
    out[name] = JSON.parse(decipher.update(item[name], "base64", "utf8") + decipher.final("utf8"));
    delete out[`${name}_iv`];
    delete out[`${name}_tag`];
  }
  return out;
}
