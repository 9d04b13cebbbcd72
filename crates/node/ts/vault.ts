// The HTTP API of Vault and OpenBao; the address and the token come from the environment, as for their own clients.

import { readFile, stat } from "node:fs/promises";
import { DynasealError } from "./errors.js";
import { reason } from "./exchange.js";
import type { Send } from "./native.js";
import { variable } from "./options.js";
import { aborted } from "./pause.js";
import { Retries, TRIES } from "./retry.js";
import type { Reply } from "./services.js";

export type Environment = Readonly<Record<string, string | undefined>>;

export class Vault {
  readonly #retries = new Retries();

  constructor(private readonly env: Environment) {}

  /** Sends a call, again if that may end differently: what it asks changes nothing. Rejects once `signal` is aborted. */
  async send(step: Send, signal: AbortSignal | undefined): Promise<Reply> {
    const url = addressOf(step, this.env);
    const headers = await headersOf(step, this.env);
    // A redirect would carry the token to another host, so it is the answer.
    const request = { method: "POST", headers, body: step.body.toString("utf8"), redirect: "manual" } as const;
    return this.#retries.carryOut(() => attempt(url, request, signal), signal);
  }
}

async function attempt(url: URL, request: RequestInit, signal: AbortSignal | undefined): Promise<Reply> {
  const ended = new AbortController();
  const end = () => ended.abort();
  const time = setTimeout(() => ended.abort(new DOMException("no answer in time", "TimeoutError")), TIME / TRIES);
  signal?.addEventListener("abort", end);
  try {
    if (signal?.aborted) throw aborted(signal);
    const response = await fetch(url, { ...request, signal: ended.signal });
    return { status: response.status, body: await read(response) };
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    const { cause } = error as { cause?: unknown };
    return { lost: reason(cause ?? error) };
  } finally {
    clearTimeout(time);
    signal?.removeEventListener("abort", end);
  }
}

/** The whole body. Leaving a longer one unread closes its connection. */
async function read(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.byteLength;
    if (length > LONGEST) throw new Error("the answer is too long");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function addressOf(step: Send, env: Environment): URL {
  const address = variable(env, "VAULT_ADDR");
  if (!address) throw notForVault(step, "VAULT_ADDR is not set");
  const server = URL.canParse(address) ? new URL(address) : undefined;
  const safe = server?.protocol === "https:" || (server?.protocol === "http:" && LOOPBACK.test(server.hostname));
  // Over plain HTTP the token and the keys could be read on the way.
  if (!server || !safe) throw notForVault(step, "VAULT_ADDR is not an https URL, or http to this machine");
  const { username, password, pathname, search } = server;
  if (username || password) throw notForVault(step, "VAULT_ADDR holds a user name");
  if (pathname !== "/" || search) throw notForVault(step, "VAULT_ADDR has a path; it is a scheme, a host and a port");
  return new URL(`/v1/${step.operation}`, server);
}

/** The token's file is read for each call, since an agent may have renewed it. */
async function headersOf(step: Send, env: Environment): Promise<Headers> {
  const [given, file] = [variable(env, "VAULT_TOKEN"), variable(env, "VAULT_TOKEN_FILE")];
  const namespace = variable(env, "VAULT_NAMESPACE");
  if (!given && !file) throw notForVault(step, "neither VAULT_TOKEN nor VAULT_TOKEN_FILE is set");
  // Without the second an agent in front of the server may refuse the call, as one that a browser was led to.
  const headers = new Headers({ "content-type": "application/json", "x-vault-request": "true" });
  const set = (header: string, name: string, value: string) => {
    try {
      headers.set(header, value);
    } catch {
      // Its own error quotes the value.
      throw notForVault(step, `what ${name} holds cannot stand in a header`, "take line breaks and control characters out of it");
    }
  };
  if (given) set("x-vault-token", "VAULT_TOKEN", given.trim());
  else set("x-vault-token", "VAULT_TOKEN_FILE", await tokenIn(step, file ?? ""));
  if (namespace) set("x-vault-namespace", "VAULT_NAMESPACE", namespace);
  return headers;
}

async function tokenIn(step: Send, file: string): Promise<string> {
  // A pipe would be waited for, and a device may never end.
  const status = await stat(file).catch(() => undefined);
  const isToken = status?.isFile() === true && status.size <= LONGEST;
  const token = isToken ? (await readFile(file, "utf8").catch(() => "")).trim() : "";
  if (!token) throw notForVault(step, "the file that VAULT_TOKEN_FILE names cannot be read, is none that holds a token, or is empty");
  return token;
}

function notForVault(step: Send, why: string, hint = SET): DynasealError {
  const message = `${step.operation} was not sent to Vault: ${why}`;
  return new DynasealError({ code: "DSL-9011", kind: "config", message, hint });
}

const SET =
  "set VAULT_ADDR, such as https://vault.example.com:8200, and VAULT_TOKEN, or VAULT_TOKEN_FILE for one that an agent renews";

/** Milliseconds for all tries of one call, the pauses between them aside. */
const TIME = 10_000;
/** Far more bytes than any answer of the transit engine has. */
const LONGEST = 64 << 10;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
