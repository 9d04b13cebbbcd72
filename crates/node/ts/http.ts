// HTTP requests and answers as the SDK's middlewares pass them on. Only their shape is known here: the classes belong to the
// application's version of the SDK.

import { Readable } from "node:stream";
import { DynasealError } from "./errors.js";

export interface HttpRequest {
  headers: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
}

export interface HttpResponse {
  statusCode: number;
  headers: Record<string, string>;
  body?: unknown;
}

/** The service and operation of a request. One without cannot be judged, so it is not sent. */
export function targetOf(request: unknown): { service: string; operation: string; body: Uint8Array } {
  const { headers = {}, body } = (request ?? {}) as Partial<HttpRequest>;
  const [service, operation, more] = headers[header(headers, "x-amz-target") ?? ""]?.split(".") ?? [];
  const bytes = bytesOf(body);
  if (service && operation && more === undefined && bytes) return { service, operation, body: bytes };
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
  const headers = { ...request.headers };
  headers[header(headers, "x-amz-target") ?? "x-amz-target"] = target;
  drop(headers, ["content-length"]);
  return Object.assign(copy(request), { headers, query: { ...request.query }, body });
}

/** A copy of an answer with another status and body. What was computed from the old body is dropped. */
export function withAnswer(response: HttpResponse, statusCode: number, body: Uint8Array): HttpResponse {
  const headers = { ...response.headers };
  drop(headers, ["x-amz-crc32", "content-length", "content-encoding"]);
  return Object.assign(copy(response), { statusCode, headers, body });
}

/** The same answer with its body read into memory. */
export function withRead(response: HttpResponse, body: Uint8Array): HttpResponse {
  return Object.assign(copy(response), { body });
}

/** An answer for which nothing was sent. */
export function madeUp(statusCode: number, body: Uint8Array): HttpResponse {
  return { statusCode, headers: { "content-type": "application/x-amz-json-1.0" }, body };
}

/** The whole body of an answer. */
export async function collect(body: unknown): Promise<Uint8Array> {
  if (body === undefined || body === null) return Buffer.alloc(0);
  const bytes = bytesOf(body);
  if (bytes) return bytes;
  if (body instanceof Blob) return Buffer.from(await body.arrayBuffer());
  const parts: Uint8Array[] = [];
  const take = (part: unknown) => parts.push(bytesOf(part) ?? Buffer.alloc(0));
  if (body instanceof Readable) await drain(body, take);
  else for await (const part of body as AsyncIterable<unknown>) take(part);
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

/** As an iteration would, at a fraction of its cost. */
function drain(stream: Readable, take: (part: unknown) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = () => {
      if (!stream.readableEnded) reject(Object.assign(new Error("the answer broke off"), { code: "ECONNRESET" }));
    };
    if (stream.destroyed || stream.readableEnded)
      throw Object.assign(new Error("the answer was read before"), { code: "ECONNRESET" });
    stream.on("data", take);
    stream.on("end", resolve);
    stream.on("error", reject);
    stream.on("close", closed);
  });
}

/** Text and bytes as bytes. The SDK's own body class has string methods that are to throw one day, so none is called. */
function bytesOf(body: unknown): Uint8Array | undefined {
  if (typeof body === "string") return Buffer.from(body, "utf8");
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return undefined;
}

function copy<T extends object>(from: T): T {
  return Object.assign(Object.create(Object.getPrototypeOf(from)) as T, from);
}

function header(headers: Record<string, string>, name: string): string | undefined {
  return name in headers ? name : Object.keys(headers).find((key) => key.toLowerCase() === name);
}

function drop(headers: Record<string, string>, names: readonly string[]): void {
  for (const name of names) {
    const key = header(headers, name);
    if (key !== undefined) delete headers[key];
  }
}
