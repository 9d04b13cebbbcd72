// Sealing a client: three middlewares, and no client of our own.
//
//   initialize  dynasealLogs      what the SDK logs is redacted
//   build       dynasealRequest   behind the serializer; before content length, retries and signing: the engine rewrites the body,
//                                 and each call it wants sent is one more next()
//   deserialize dynasealResponse  innermost: the raw answer, before the SDK's deserializer

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ConfigSource } from "./config.js";
import { Dynaseal } from "./dynaseal.js";
import { DynasealError } from "./errors.js";
import { Exchange } from "./exchange.js";
import { type HttpRequest, read, withBody } from "./http.js";
import { type Given, given, type Options, variables, wrong } from "./options.js";
import { quiet, redactLogs } from "./redact.js";
import { sourceOf } from "./source.js";

/** A client of the AWS SDK v3: DynamoDBClient, DynamoDBDocumentClient, DynamoDBStreamsClient, or an aggregated one. */
export interface Sealable {
  readonly config: object;
  readonly middlewareStack: {
    // The SDK's own overloads cannot be written without its types.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    add(middleware: any, options: any): void;
    identify(): string[];
  };
}

/**
 * Seals a client: everything that it sends from now on, through whichever DynamoDBDocumentClient wraps it. Returns the client.
 * A second `seal` with the same configuration object, path or {@link Dynaseal} changes nothing; with another one it is refused.
 */
export function seal<Client extends Sealable>(
  client: Client,
  config: ConfigSource | Dynaseal,
  options?: Options,
): Client {
  const stack = stackOf(client);
  const by = sealing(config, options);
  const before = sealed.get(stack);
  if (before && isSame(before, by)) return client;
  if (before || stack.identify().some((name) => name.startsWith(REQUEST))) throw sealedBefore();
  const dynaseal = isDynaseal(config) ? config : new Dynaseal(config, options);
  const exchanges = new WeakMap<object, Exchange>();
  stack.add(redactLogs, { name: "dynasealLogs", step: "initialize", priority: "high" });
  stack.add(request(dynaseal, exchanges), { name: REQUEST, step: "build", priority: "high" });
  stack.add(response(exchanges), { name: "dynasealResponse", step: "deserialize", priority: "low" });
  sealed.set(stack, by);
  return client;
}

function stackOf(client: Sealable | null | undefined): Sealable["middlewareStack"] {
  let stack, serviceId, cacheMiddleware;
  try {
    stack = client?.middlewareStack;
    ({ serviceId, cacheMiddleware } = (client?.config ?? {}) as { serviceId?: unknown; cacheMiddleware?: unknown });
  } catch {
    throw notAClient();
  }
  const isStack = typeof stack?.add === "function" && typeof stack.identify === "function";
  if (!stack || !isStack || typeof serviceId !== "string" || !SERVICES.has(serviceId)) throw notAClient();
  // With it, a client sealed after its first call goes on with the handlers that it kept, and so with plaintext.
  if (cacheMiddleware) throw cached();
  return stack;
}

type Next<Output> = (args: Args) => Promise<Output>;
interface Args {
  readonly request: unknown;
}

/** What the SDK tells middlewares of a call. */
interface Context {
  readonly __smithy_context?: { readonly abortSignal?: unknown };
}

/** The caller's abort signal; versions before @smithy/core 3.39 show it to nobody but the one who sends. */
function signalOf(context: Context | undefined): AbortSignal | undefined {
  const signal = context?.__smithy_context?.abortSignal;
  // Not only this process's own class: there are others that do the same.
  return typeof (signal as Partial<AbortSignal> | undefined)?.addEventListener === "function" ? (signal as AbortSignal) : undefined;
}

/** An exchange is found again by the body that it sends: that survives the SDK's retries and copies of the request. */
type Exchanges = WeakMap<object, Exchange>;

function request(dynaseal: Dynaseal, exchanges: Exchanges) {
  return (next: Next<unknown>, context?: Context) => async (args: Args) => {
    const { target, body } = read(args.request);
    const call = Dynaseal.begin(dynaseal, signalOf(context));
    try {
      // Awaited only where there is something to wait for: most steps are taken here and now.
      const started = call.start(target, body);
      let step = started instanceof Promise ? await started : started;
      // Whether nothing was sent yet but what fetches keys and descriptions of tables, so that the next call is the caller's own.
      let first = true;
      const again = async () => {
        const call = Dynaseal.begin(dynaseal, signalOf(context));
        return { call, step: await call.start(target, body) };
      };
      for (;;) {
        if (step.kind === "failed") throw new DynasealError(step.failure);
        if (step.kind === "send" && (step.target !== target.service || step.region !== null)) {
          step = await Dynaseal.elsewhere(dynaseal, call, step);
          continue;
        }
        const exchange = new Exchange(call, step, first ? again : undefined);
        let header = target.header;
        if (step.kind === "send") {
          if (step.operation !== target.operation) header = `${step.target}.${step.operation}`;
          first &&= step.aside;
        }
        const request = withBody(args.request as HttpRequest, header, step.body);
        exchanges.set(step.body, exchange);
        try {
          const output = await next({ ...args, request });
          const wanted = await exchange.outcome();
          if (!wanted) throw answeredElsewhere(target.operation);
          if (wanted.kind === "done") return output;
          step = wanted;
        } catch (error) {
          step = await exchange.after(error);
        } finally {
          exchange.end();
        }
      }
    } catch (error) {
      throw quiet(error);
    } finally {
      call.close();
    }
  };
}

function response(exchanges: Exchanges) {
  return (next: Next<{ response: unknown }>) => async (args: Args) => {
    const { body } = (args.request ?? {}) as HttpRequest;
    const exchange = typeof body === "object" && body !== null ? exchanges.get(body) : undefined;
    if (!exchange) throw replaced(args.request);
    return exchange.attempt(() => next(args));
  };
}

/** What a client was sealed with, by its stack, which a DynamoDBDocumentClient shares with the client that it wraps. */
const sealed = new WeakMap<object, Sealing>();
const REQUEST = "dynasealRequest";
const SERVICES = new Set(["DynamoDB", "DynamoDB Streams"]);

/** What a client is sealed with, as it is now: objects and files can change. */
interface Sealing extends Omit<Given, "env"> {
  /** The object or the file's path. */
  readonly by: unknown;
  /** Of what it says. */
  readonly digest: string;
  /** Of the variables, unless they are those of the process. */
  readonly env: string;
}

function sealing(config: ConfigSource | Dynaseal, options: Options | undefined): Sealing {
  const { kms, dynamodb, env } = given("seal", options);
  if (isDynaseal(config)) {
    if (options !== undefined) throw wrong("seal: there are options beside a Dynaseal, which has its own", "give them to the Dynaseal: new Dynaseal(config, options)");
    return { by: config, digest: "", kms, dynamodb, env: "" };
  }
  const { path, json } = sourceOf(config);
  const variable = env === undefined || env === process.env ? "" : JSON.stringify(Object.entries(variables(env)));
  return { by: path ?? config, digest: digest(json ?? textOf(path)), kms, dynamodb, env: digest(variable) };
}

/** What cannot be looked into is none. */
function isDynaseal(config: unknown): config is Dynaseal {
  try {
    return config instanceof Dynaseal;
  } catch {
    return false;
  }
}

function isSame(one: Sealing, two: Sealing): boolean {
  return (["by", "digest", "kms", "dynamodb", "env"] as const).every((member) => one[member] === two[member]);
}

function digest(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("base64");
}

/** What cannot be read is for the one who parses it to say. */
function textOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function refusal(code: string, message: string, hint: string): DynasealError {
  return new DynasealError({ code, kind: "caller", message, hint });
}

function notAClient(): DynasealError {
  return refusal(
    "DSL-9001",
    "what is to be sealed is not a DynamoDB client of the AWS SDK for JavaScript v3",
    "give a DynamoDBClient, DynamoDBDocumentClient or DynamoDBStreamsClient",
  );
}

function cached(): DynasealError {
  return refusal(
    "DSL-9002",
    "the client has cacheMiddleware: true, with which it would go on sending plaintext if it was used before",
    "leave cacheMiddleware out of the client's configuration",
  );
}

function sealedBefore(): DynasealError {
  return refusal(
    "DSL-9003",
    "the client is sealed already, with another configuration or other options, or they have changed since",
    "seal a client once; to share one configuration among clients, make a Dynaseal and give it to each seal()",
  );
}

function replaced(request: unknown): DynasealError {
  let operation = "a request";
  try {
    operation = read(request).target.operation;
  } catch {
    // It is refused anyway; only its name is not known.
  }
  return refusal(
    "DSL-9004",
    `${operation}: another middleware replaced the body after it was sealed, so it was not sent`,
    "let the middleware run before Dynaseal, at the step initialize or serialize, or leave the body as it is",
  );
}

function answeredElsewhere(operation: string): DynasealError {
  return refusal(
    "DSL-9008",
    `${operation}: another middleware answered in place of DynamoDB`,
    "let it answer before Dynaseal, at the step initialize or serialize",
  );
}
