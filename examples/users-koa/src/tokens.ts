// Tokens: 32 random bytes. What is stored is their hash, so whoever reads the table cannot use it.

import { createHash, randomBytes } from "node:crypto";

/** A new token, for its owner alone. */
export const newToken = (): string => randomBytes(32).toString("base64url");

/** An id that is never used twice. */
export const newAccount = (): string => randomBytes(16).toString("base64url");

/** What is stored of a token. */
export const hashToken = (token: string): string => createHash("sha256").update(token).digest("base64url");
