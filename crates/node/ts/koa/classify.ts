// What an error of DynamoDB, of Dynaseal or of a schema means to whoever called the service. The one table of it.
//
//   condition 409  a condition did not hold         input 422      what the caller sent cannot be stored
//   busy      503  the same call may succeed soon   integrity 500  a stored item is not what was sealed
//   outage    503  DynamoDB does not answer         fault     500  the service is wrong: rights, tables, requests
//
// Nothing of an error's text goes further than this file, but for names of attributes, tables and operations.

/** What an error means. It holds no value. */
export interface Failure {
  readonly kind: FailureKind;
  readonly status: 409 | 422 | 500 | 503;
  /** The error's name, such as `ConditionalCheckFailedException`. */
  readonly name: string;
  /** Dynaseal's code, such as `DSL-3008`. */
  readonly code?: string;
  readonly operation?: string;
  readonly table?: string;
  readonly requestId?: string;
  /** Of an outage: a code of Node's network such as `ECONNREFUSED`, or the status that came. */
  readonly cause?: string;
  /** Names of attributes that are wrong; `*` for one that may itself be a value. */
  readonly fields: readonly string[];
}

/** See the table above. */
export type FailureKind = "condition" | "input" | "busy" | "outage" | "integrity" | "fault";

/** What an error means; undefined if it is of another origin. Errors that carry a status of their own (`ctx.throw`) are. */
export function classify(thrown: unknown): Failure | undefined {
  // Mappers such as ElectroDB wrap what DynamoDB answered.
  let error = thrown;
  for (let depth = 0; depth < MAX_CAUSES && typeof error === "object" && error !== null; depth += 1) {
    if (typeof read(error, "status") === "number" || typeof read(error, "statusCode") === "number") return undefined;
    const failure = classifyOne(error);
    if (failure !== undefined) return failure;
    error = read(error, "cause");
  }
  return undefined;
}

function classifyOne(error: object): Failure | undefined {
  const name = text(read(error, "name"));
  const issues = read(error, "issues");
  if (SCHEMA_ERRORS.has(name) && Array.isArray(issues)) return failure("input", { name, fields: issueFields(issues) });

  const message = text(read(error, "message"));
  const code = codeOf(error, message);
  const metadata = read(error, "$metadata");
  const isMet = typeof metadata === "object" && metadata !== null;
  const isOfOthers = code === undefined ? !SDK_FAULTS.has(read(error, "$fault")) : OF_EDGE.test(code);
  if (!isMet && isOfOthers) return undefined;

  const about = { name: /^\w{1,64}$/.test(name) ? name : "Error", ...origin(error, message, code, metadata) };
  const kind = code === undefined ? kindOfName(error, name, message, metadata) : kindOfCode(code, name, read(error, "kind"));
  const cause = kind === "outage" ? causeOf(error, metadata) : undefined;
  return failure(kind, { ...about, ...(cause !== undefined && { cause }), fields: kind === "input" ? attributeNames(message, code) : [] });
}

function failure(kind: FailureKind, about: Omit<Failure, "kind" | "status">): Failure {
  return { kind, status: STATUS[kind], ...about };
}

/** `kind` is there if Dynaseal threw it in this process; from a gateway the SDK's name for it says the same. */
function kindOfCode(code: string, name: string, kind: unknown): FailureKind {
  if (code === "DSL-2005" || code === "DSL-7107") return "busy";
  // A write of unknown end is nobody's to send again without a look, so no answer may ask for that.
  if (code === "DSL-6006") return "fault";
  if (code.startsWith("DSL-3") || name === "ItemVerificationException" || kind === "data") return "integrity";
  if (code.startsWith("DSL-6") || name === "ServiceUnavailable" || kind === "outage") return "outage";
  if (KEY_CODES_OF_CHANGED_ITEMS.has(code)) return "integrity";
  return (code.startsWith("DSL-1") && !CODES_OF_FAULTS.has(code)) || code === "DSL-2004" ? "input" : "fault";
}

function kindOfName(error: object, name: string, message: string, metadata: unknown): FailureKind {
  if (name === "TransactionCanceledException") return kindOfReasons(reasonCodes(error, message));
  const known = KINDS.get(name);
  if (known !== undefined) return known;
  const status = member(metadata, "httpStatusCode");
  const unanswered = NETWORK_CODES.has(read(error, "code"));
  return unanswered || read(error, "$fault") === "server" || (typeof status === "number" && status >= 500) ? "outage" : "fault";
}

/** The worst reason speaks: only when nothing else went wrong did the condition decide. */
function kindOfReasons(codes: readonly string[]): FailureKind {
  const kinds = codes.filter((code) => code !== "None").map((code) => REASONS.get(code) ?? "fault");
  return (["fault", "input", "busy", "condition"] as const).find((kind) => kinds.includes(kind)) ?? "fault";
}

function reasonCodes(error: object, message: string): string[] {
  const reasons = read(error, "CancellationReasons");
  if (Array.isArray(reasons)) return reasons.map((reason) => text(member(reason, "Code") ?? "None"));
  return /\[([A-Za-z, ]*)\]\s*$/.exec(message)?.[1]?.split(",").map((code) => code.trim()) ?? [];
}

/** Only at the start of a message, where Dynaseal puts it: further on it may be somebody's value. */
function codeOf(error: object, message: string): string | undefined {
  const own = read(error, "code");
  return typeof own === "string" && CODE.test(own) ? own : /^(DSL-\d{4}): /.exec(message)?.[1];
}

function origin(error: object, message: string, code: string | undefined, metadata: unknown): Partial<Failure> {
  const [, saidOperation, saidTable] = (code === undefined ? null : WHERE.exec(message)) ?? [];
  const operation = read(error, "operation") ?? saidOperation;
  const table = read(error, "table") ?? saidTable?.replace(/[.:]$/, "");
  const requestId = member(metadata, "requestId");
  return {
    ...(code !== undefined && { code }),
    ...(typeof operation === "string" && /^\w{1,64}$/.test(operation) && { operation }),
    ...(typeof table === "string" && /^[\w.-]{1,255}$/.test(table) && { table }),
    ...(typeof requestId === "string" && /^[\w-]{1,128}$/.test(requestId) && { requestId }),
  };
}

/** Words of a list, and numbers: nothing that somebody could have written. */
function causeOf(error: object, metadata: unknown): string | undefined {
  const errors = read(error, "errors");
  const all = [error, read(error, "cause"), ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  const code = all.map((one) => member(one, "code")).find((code) => NETWORK_CODES.has(code));
  const status = member(metadata, "httpStatusCode");
  return typeof code === "string" ? code : typeof status === "number" && status >= 500 ? `status ${status}` : undefined;
}

function issueFields(issues: readonly unknown[]): string[] {
  const nameOf = (part: unknown): string => safeName(typeof part === "number" ? `${part}` : text(part));
  const paths = issues.flatMap((issue) => {
    const [path, keys] = [member(issue, "path"), member(issue, "keys")];
    const at: unknown[] = Array.isArray(path) ? path : [];
    // Members that should not be there stand beside the path.
    return Array.isArray(keys) ? keys.map((key: unknown) => [...at, key]) : [at];
  });
  return distinct(paths.map((path) => path.map(nameOf).join(".")));
}

/** Attribute names where DynamoDB and Dynaseal write them; the rest of such a message may quote values. */
function attributeNames(message: string, code: string | undefined): string[] {
  const patterns = code === undefined ? DYNAMODB_NAMES : [/attribute "([^"]+)"/g];
  return distinct(patterns.flatMap((pattern) => [...message.matchAll(pattern)].map(([, name = ""]) => safeName(name))));
}

function distinct(fields: readonly string[]): string[] {
  return [...new Set(fields)].filter((field) => field !== "").slice(0, MAX_FIELDS);
}

/** A name as a programmer writes one. What a caller made up (a record's key, say) may be a value. */
function safeName(name: string): string {
  return /^(?:[A-Za-z_][\w-]{0,63}|\d{1,5})$/.test(name) && !/\d{6}/.test(name) ? name : "*";
}

/** A member of something that somebody threw: reading it may throw again. */
function read(of: object, name: string): unknown {
  try {
    return (of as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function member(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? read(of, name) : undefined;
}

/** What is no text is none: turning it into one could run its code. */
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const STATUS = { condition: 409, input: 422, busy: 503, outage: 503, integrity: 500, fault: 500 } as const;
const SCHEMA_ERRORS = new Set(["ZodError", "$ZodError"]);
const SDK_FAULTS = new Set<unknown>(["client", "server"]);
const WHERE = /^(?:DSL-\d{4}: )?(\w{1,64})(?: as \w{1,64})?(?: on table ([\w.-]{1,255}))?[ :,]/;
const CODE = /^DSL-\d{4}$/;
/** The egress guard and the middlewares: not DynamoDB's, unless the SDK met them. */
const OF_EDGE = /^DSL-9[12]/;
/** An item that was changed or moved may show first in its encrypted data keys. */
const KEY_CODES_OF_CHANGED_ITEMS = new Set(["DSL-4002", "DSL-4003", "DSL-4004", "DSL-4011", "DSL-4017"]);
const CODES_OF_FAULTS = new Set(["DSL-1006", "DSL-1099"]);
const NETWORK_CODES = new Set<unknown>(["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EPIPE", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);
const KINDS = new Map<string, FailureKind>([
  ["ConditionalCheckFailedException", "condition"],
  ["DuplicateItemException", "condition"],
  ["ValidationException", "input"],
  ["IdempotentParameterMismatchException", "input"],
  ["ItemVerificationException", "integrity"],
  ["ProvisionedThroughputExceededException", "busy"],
  ["ThrottlingException", "busy"],
  ["Throttling", "busy"],
  ["RequestLimitExceeded", "busy"],
  ["TooManyRequestsException", "busy"],
  ["LimitExceededException", "busy"],
  ["TransactionConflictException", "busy"],
  ["TransactionInProgressException", "busy"],
  ["ReplicatedWriteConflictException", "busy"],
  ["InternalServerError", "outage"],
  ["InternalServerErrorException", "outage"],
  ["ServiceUnavailable", "outage"],
  ["ServiceUnavailableException", "outage"],
  ["TimeoutError", "outage"],
  ["AbortError", "outage"],
]);
const REASONS = new Map<string, "input" | "busy" | "condition">([
  ["ConditionalCheckFailed", "condition"],
  ["DuplicateItem", "condition"],
  ["TransactionConflict", "busy"],
  ["ProvisionedThroughputExceeded", "busy"],
  ["ThrottlingError", "busy"],
  ["ValidationError", "input"],
]);
const DYNAMODB_NAMES = [
  /Missing the key (\S+) in the item/g,
  /Type mismatch for (?:Index )?[Kk]ey (\S+) [Ee]xpected/g,
  /empty (?:string|binary) value\. (?:IndexName: [\w.-]+, )?(?:IndexKey|Key): (\S+)/g,
];
const MAX_CAUSES = 5;
const MAX_FIELDS = 50;
