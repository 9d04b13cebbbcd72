// Passwords: Argon2id with OWASP's parameters, on libuv's threads: four at once, the others wait.

import { hash, verify } from "@node-rs/argon2";

/** The hash to store. */
export const hashPassword = (password: string): Promise<string> => hash(password, COST);

/** Whether a password is the one that was hashed. Without a hash, as for a user that does not exist, it takes as long. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const right = await verify(stored ?? (await nobody), password);
  return right && stored !== undefined;
}

const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const nobody = hashPassword("");
