// HTTP requests and answers as the SDK's middlewares pass them on. Only their shape is known here: the classes belong to the
// application's version of the SDK.

import { Readable } from "node:stream";
import { DynasealError } from "./errors.js";

export interface HttpRequest {
  headers: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  clone?(): HttpRequest;
}

export interface HttpResponse {
  statusCode: number;
  headers: Record<string, string>;
  body?: unknown;
}

/** What a request asks for. */
export interface Target {
  readonly service: string;
  readonly operation: string;
  /** Both, as the header has them. */
  readonly header: string;
}

/** The service, operation and body of a request. One without cannot be judged, so it is not sent. */
export function read(request: unknown): { target: Target; body: Uint8Array } {
  const { headers = {}, body } = (request ?? {}) as Partial<HttpRequest>;
  // Of two targets nobody knows which one DynamoDB would take.
  const names = Object.keys(headers).filter((name) => name.toLowerCase() === TARGET);
  const target = names.length === 1 ? named(headers[names[0] as string] ?? "") : undefined;
  const bytes = bytesOf(body);
  if (target && bytes) return { target, body: bytes };
  throw new DynasealError({
    code: "DSL-9005",
    kind: "caller",
    message:
      "a request is not one that Dynaseal can read: it has no operation in X-Amz-Target, or its body is not in memory",
    hint: "use the SDK's default protocol for DynamoDB (awsJson1.0)",
  });
}

/** A copy with another operation and body; the SDK sends one and the same request object again when it retries. */
export function withBody(request: HttpRequest, target: string, body: Uint8Array): HttpRequest {
  // The class's own copy, of the same shape: another one would slow down whatever reads requests, in the whole process.
  const copied = request.clone ? request.clone() : { ...request, query: { ...request.query } };
  if (copied.headers === request.headers || header(copied.headers, LENGTH) !== undefined)
    copied.headers = without(request.headers, (name) => name === LENGTH);
  copied.headers[header(copied.headers, TARGET) ?? TARGET] = target;
  copied.body = body;
  return copied;
}

/** A copy of an answer with another status and body. What was computed from the old body is dropped. */
export function withAnswer(response: HttpResponse, statusCode: number, body: Uint8Array): HttpResponse {
  const headers = without(response.headers, (name) => COMPUTED.has(name) || LEADING.has(name));
  return { ...response, statusCode, headers, body };
}

/** The same answer with its body read into memory, and without what names another place to go on at. */
export function withRead(response: HttpResponse, body: Uint8Array): HttpResponse {
  return { ...response, headers: without(response.headers, (name) => LEADING.has(name)), body };
}

/** The same answer for another reader. */
export function copied(response: HttpResponse): HttpResponse {
  return { ...response, headers: { ...response.headers } };
}

/** An answer for which nothing was sent. */
export function madeUp(statusCode: number, body: Uint8Array): HttpResponse {
  return { statusCode, headers: { "content-type": "application/x-amz-json-1.0" }, body };
}

/** The whole body of an answer. */
export function collect(body: unknown): Uint8Array | Promise<Uint8Array> {
  if (body instanceof Readable) return drain(body);
  return bytesOf(body ?? "") ?? gather(body as Blob | AsyncIterable<unknown>);
}

async function gather(body: Blob | AsyncIterable<unknown>): Promise<Uint8Array> {
  if (body instanceof Blob) return Buffer.from(await body.arrayBuffer());
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(bytesOf(part) ?? EMPTY);
  return joined(parts);
}

/** As an iteration would, at a fraction of its cost. */
function drain(stream: Readable): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed || stream.readableEnded)
      throw Object.assign(new Error("the answer was read before"), { code: "ECONNRESET" });
    const parts: Uint8Array[] = [];
    stream.on("data", (part: unknown) => parts.push(bytesOf(part) ?? EMPTY));
    stream.on("end", () => resolve(joined(parts)));
    stream.on("error", reject);
    stream.on("close", () => {
      if (!stream.readableEnded) reject(Object.assign(new Error("the answer broke off"), { code: "ECONNRESET" }));
    });
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

/** Text and bytes as bytes. The SDK's own body class has string methods that are to throw one day, so none is called. */
function bytesOf(body: unknown): Uint8Array | undefined {
  if (typeof body === "string") return Buffer.from(body, "utf8");
  if (body instanceof Uint8Array) return body;
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return undefined;
}

function named(header: string): Target | undefined {
  const known = TARGETS.get(header);
  if (known) return known;
  const [service, operation, more] = header.split(".");
  if (!service || !operation || more !== undefined) return undefined;
  const target = { service, operation, header };
  if (TARGETS.size < 1000) TARGETS.set(header, target);
  return target;
}

function header(headers: Record<string, string>, name: string): string | undefined {
  return Object.hasOwn(headers, name) ? name : Object.keys(headers).find((key) => key.toLowerCase() === name);
}

/** A copy without some headers. One with the members deleted would be slow to read for ever after. */
function without(headers: Record<string, string>, isDropped: (name: string) => boolean): Record<string, string> {
  const names = Object.keys(headers);
  if (!names.some((name) => isDropped(name.toLowerCase()))) return { ...headers };
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isDropped(name.toLowerCase())));
}

const TARGET = "x-amz-target";
const LENGTH = "content-length";
/** By what stands in the header: SDKs write a few dozen, and a stranger who writes more fills no memory. */
const TARGETS = new Map<string, Target>();
const COMPUTED = new Set(["x-amz-crc32", LENGTH, "content-encoding"]);
/** DynamoDB sends none of them; whoever stands in its place could lead a client past the seal. */
const LEADING = new Set(["location", "content-location", "alt-svc", "refresh", "link"]);
const EMPTY = new Uint8Array(0);
