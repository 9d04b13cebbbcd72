// Calls that the engine wants sent to services other than the sealed client's own: AWS KMS, the key store in DynamoDB, Vault.
// The first two go through clients of the application, with its region, credentials and retries; Vault has no client: vault.ts.

import { fromJson, own, toJson } from "./attributes.js";
import type { Lost } from "./call.js";
import { DynasealError } from "./errors.js";
import { reason } from "./exchange.js";
import type { Send } from "./native.js";
import type { Given } from "./options.js";
import { aborted } from "./pause.js";
import { type Environment, Vault } from "./vault.js";

/** A client of the AWS SDK v3, by what is used of it. */
export interface Sender {
  // The SDK's own types would bind this package to one version of it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  send(command: any, options?: any): Promise<any>;
  readonly config: object;
}

/** A client, or one for each Region that keys are in. */
export type SenderOf = Sender | ((region: string | undefined) => Sender);

export interface ServiceOptions {
  /** A KMSClient of `@aws-sdk/client-kms`, or a function that gives one for a Region. Key types that AWS KMS holds need it. */
  readonly kms?: SenderOf;
  /**
   * A DynamoDBClient that is not sealed, for reading the key store where no sealed DynamoDBClient is at hand: in `sealItem`,
   * `openItem` and `openRecords`, and for sealed stream clients.
   */
  readonly dynamodb?: SenderOf;
  /** Where `VAULT_ADDR`, `VAULT_TOKEN`, `VAULT_TOKEN_FILE` and `VAULT_NAMESPACE` are looked up, too. */
  readonly env?: Environment;
}

/** What came back, or that nothing did. */
export type Reply = { readonly status: number; readonly body: Uint8Array } | { readonly lost: Lost };

export class Services {
  readonly #vault: Vault;

  constructor(private readonly options: Given) {
    this.#vault = new Vault(options.env ?? process.env);
  }

  /** Whether `answer` can send such a call. */
  serves(target: string): boolean {
    return target === VAULT || (target === KMS && !!this.options.kms) || (target === DYNAMODB && !!this.options.dynamodb);
  }

  /** Sends the call; rejects as the SDK does once `signal` is aborted. */
  answer(step: Send, signal: AbortSignal | undefined): Promise<Reply> {
    switch (step.target) {
      case KMS:
        return this.#kms(step, signal);
      case DYNAMODB:
        return this.#keyStore(step, signal);
      default:
        return this.#vault.send(step, signal);
    }
  }

  async #kms(step: Send, signal: AbortSignal | undefined): Promise<Reply> {
    const sender = await senderFor(this.options.kms, step, "kms");
    const command = await commandOf("@aws-sdk/client-kms", () => import("@aws-sdk/client-kms"), step.operation);
    const input = JSON.parse(step.body.toString("utf8")) as Record<string, unknown>;
    for (const name of BLOBS) {
      const text = own(input, name);
      if (typeof text === "string") input[name] = Buffer.from(text, "base64");
    }
    return ask(sender, new command(input), signal, (output) => {
      const answer = toJson(output);
      // The SDK's copies of keys; the texts that are made of them cannot be wiped.
      for (const name of SECRET) if (output[name] instanceof Uint8Array) output[name].fill(0);
      return answer;
    });
  }

  async #keyStore(step: Send, signal: AbortSignal | undefined): Promise<Reply> {
    const sender = await senderFor(this.options.dynamodb, step, "dynamodb");
    const command = await commandOf("@aws-sdk/client-dynamodb", () => import("@aws-sdk/client-dynamodb"), step.operation);
    const { Key, ...input } = JSON.parse(step.body.toString("utf8")) as Record<string, unknown>;
    const key = Key === undefined ? {} : { Key: fromJson(JSON.stringify(Key)) };
    return ask(sender, new command({ ...input, ...key }), signal, toJson);
  }
}

/** Sends a command and gives the answer as the service wrote it, its errors by their names. */
async function ask(
  sender: Sender,
  command: object,
  signal: AbortSignal | undefined,
  print: (output: Record<string, unknown>) => string,
): Promise<Reply> {
  try {
    const { $metadata: _, ...output } = (await sender.send(command, { abortSignal: signal })) as Record<string, unknown>;
    return { status: 200, body: Buffer.from(print(output), "utf8") };
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    const { name, $metadata } = (error ?? {}) as { name?: unknown; $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode;
    // What the SDK could not read, the engine cannot either, and says so. Any other error after a 200 is the network's.
    if (status === 200 && name === "SyntaxError") return { status, body: Buffer.alloc(0) };
    if (status === undefined || status === 200) return { lost: lostBecause(error) };
    return { status, body: Buffer.from(JSON.stringify({ __type: String(name) }), "utf8") };
  }
}

function lostBecause(error: unknown): Lost {
  const { name } = (error ?? {}) as { name?: unknown };
  return name === "CredentialsProviderError" ? "credentials" : reason(error);
}

async function senderFor(source: SenderOf | undefined, step: Send, option: string): Promise<Sender> {
  if (typeof source === "function") {
    const found: Sender | undefined = source(step.region ?? undefined);
    if (typeof found?.send === "function") return found;
    const where = step.region === null ? "without a Region" : `for Region ${step.region}`;
    throw elsewhere(
      `${step.operation} was not sent: the function given as ${option} gives no client ${where}`,
      "let it give one for each Region that it may be asked for",
    );
  }
  if (!source) throw new Error(`no ${option} client`);
  const { region } = source.config as { region?: string | (() => Promise<string>) };
  const its = typeof region === "function" ? await region() : region;
  if (step.region === null || its === undefined || its === step.region) return source;
  throw elsewhere(
    `${step.operation} was not sent: it must go to Region ${step.region}, and the client given as ${option} is for ${its}`,
    `give a client for ${step.region}, or a function that gives one for each Region, ${option}: (region) => …`,
  );
}

function elsewhere(message: string, hint: string): DynasealError {
  return new DynasealError({ code: "DSL-9009", kind: "config", message, hint });
}

type Command = new (input: object) => object;

async function commandOf(name: string, load: () => Promise<object>, operation: string): Promise<Command> {
  let commands: Record<string, unknown>;
  try {
    commands = (await load()) as Record<string, unknown>;
  } catch (cause) {
    const error = new DynasealError({
      code: "DSL-9010",
      kind: "config",
      message: `${operation} was not sent: the package ${name} cannot be loaded`,
      hint: `npm install ${name}`,
    });
    throw Object.assign(error, { cause });
  }
  const command = commands[`${operation}Command`];
  if (typeof command === "function") return command as Command;
  throw new DynasealError({
    code: "DSL-9010",
    kind: "config",
    message: `${operation} was not sent: the package ${name} does not know it`,
    hint: `update ${name}`,
  });
}

/** As `X-Amz-Target` names them, and Vault, which has no such header. */
export const DYNAMODB = "DynamoDB_20120810";
const KMS = "TrentService";
const VAULT = "Vault";

/** The members of KMS's requests and answers that are bytes. */
const BLOBS = ["CiphertextBlob", "Plaintext", "PublicKey", "SharedSecret"] as const;
const SECRET = ["Plaintext", "SharedSecret"] as const;
