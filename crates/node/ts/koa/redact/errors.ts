// Errors in logs. Messages and own members of errors carry more than their authors think: JSON.parse quotes the input, co-body hangs the
// whole request body on the error, the SDK hangs items, zod quotes values, HTTP clients hang requests with their headers.

import { types } from "node:util";

import type { Copier } from "./walk.js";

/** An error as `{ type, message, stack, … }`. */
export function copyError(copier: Copier, error: object, depth: number): Record<string, unknown> {
  const { mark, text } = copier.rules;
  const type = dataMember(error, "name") ?? "Error";
  const copied: Record<string, unknown> = { type: text(String(type)) };
  const issues = dataMember(error, "issues");
  if (Array.isArray(issues)) {
    copied["message"] = mark;
    copied["issues"] = issues.slice(0, MAX_ISSUES).map((issue) => issueText(issue, copier));
  } else {
    const message = dataMember(error, "message");
    copied["message"] = QUOTING.has(String(type)) && !OURS.test(String(message)) ? mark : text(String(message ?? ""));
  }
  copied["stack"] = stackOf(error, text);
  copier.members(error, copied, depth, CARRIERS);
  for (const name of ["cause", "errors"]) {
    const own = Object.getOwnPropertyDescriptor(error, name);
    if (own !== undefined && !own.enumerable && "value" in own) copied[name] = copier.member(name, own.value, depth);
  }
  return copied;
}

/** Where and what kind, never what was there. */
function issueText(issue: unknown, copier: Copier): string {
  const code = typeof issue === "object" && issue !== null ? dataMember(issue, "code") : undefined;
  const path = typeof issue === "object" && issue !== null ? dataMember(issue, "path") : undefined;
  const names = Array.isArray(path) ? path.map((part) => (/^[\w-]{1,64}$/.test(String(part)) ? String(part) : "*")) : [];
  return copier.rules.text(`${names.join(".")} ${/^\w{1,40}$/.test(String(code)) ? String(code) : ""}`.trim());
}

/** Only the frames: the first lines repeat the message. */
function stackOf(error: object, text: (text: string) => string): string {
  const own = Object.getOwnPropertyDescriptor(error, "stack");
  // V8 shows the stack of a native error as data or as a getter of its own, depending on its version.
  const stack: unknown = own !== undefined && "value" in own ? own.value : types.isNativeError(error) ? error.stack : undefined;
  if (typeof stack !== "string") return "";
  return text(stack.slice(-MAX_STACK).split("\n").filter((line) => FRAME.test(line)).join("\n"));
}

/** A member that is data, own or inherited. */
function dataMember(of: object, name: string): unknown {
  for (let level: object | null = of; level !== null && !types.isProxy(level); level = Object.getPrototypeOf(level) as object | null) {
    const own = Object.getOwnPropertyDescriptor(level, name);
    if (own !== undefined) return "value" in own ? own.value : undefined;
  }
  return undefined;
}

/** Members of errors that carry inputs, items or requests. */
const CARRIERS = new Set([
  "name", "message", "stack", "issues", "body", "rawBody", "input", "received", "data", "config", "request", "response",
  "$response", "rawResponse", "Item",
  "item", "CancellationReasons", "options", "params", "values", "query",
  // Database libraries: the values of a statement beside it.
  "parameters", "bindings", "keyValue",
]);
/** Errors whose messages quote what they were given; those of Dynaseal never do. */
const QUOTING = new Set(["SyntaxError", "ValidationException", "SerializationException", "ZodError", "$ZodError", "AssertionError"]);
const OURS = /^DSL-\d{4}: /;
const FRAME = /^ {4}at [^'"]*(?:\([^()]*:\d+:\d+\)|\(<anonymous>\)|:\d+:\d+)$/;
const MAX_ISSUES = 50;
const MAX_STACK = 8192;
