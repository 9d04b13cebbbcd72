// The native module: of this platform's own package, or of a build of this repository.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DynasealError, type Fault, type Kind } from "./errors.js";

/** What `crates/node/src` exports. */
export interface Native {
  readonly Engine: {
    load(path: string, variables: Record<string, string>): NativeEngineResult;
    parse(json: string, folder: string, variables: Record<string, string>): NativeEngineResult;
  };
  /** Whether the same call of Vault may end differently later, by what it was answered this time. */
  vaultMayPass(status: number, body: Uint8Array): boolean;
}

export interface NativeEngineResult {
  readonly engine: NativeEngine | null;
  readonly warnings: readonly Fault[];
  readonly failure: NativeFailure | null;
}

/** A checked configuration and the sessions of its calls, each named by a number. A session that is done or failed is forgotten. */
export interface NativeEngine {
  quick(): Quick;
  /** The step that a quick function did not give. */
  held(id: number): Step;
  startAsync(id: number, target: string, body: Uint8Array): Promise<Step>;
  resumeAsync(id: number, number: number, status: number, body: Uint8Array): Promise<Step>;
  lost(id: number, number: number, why: string): Step;
  poll(id: number): Step;
  pollAsync(id: number): Promise<Step>;
  /** What takes too long here is done by another thread, as the two below. */
  sealItem(id: number, table: string, item: string): Step | Promise<Step>;
  openItem(id: number, table: string, item: string): Step | Promise<Step>;
  openRecords(id: number, table: string | undefined, text: string): Step | Promise<Step>;
  close(id: number): readonly number[];
}

/**
 * The two steps that most calls are made of, without an object in between. They write the body to `room` and answer its length,
 * for a call that is sent under its own name or done with the status that came. -1 is any other step: see `held`. -2 is none: it
 * would take too long here.
 */
export interface Quick {
  readonly start: (id: number, target: string, body: Uint8Array, room: Uint8Array) => number;
  readonly resume: (id: number, number: number, status: number, body: Uint8Array, room: Uint8Array) => number;
}

export interface NativeFailure {
  readonly code: string;
  readonly kind: Kind;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
  readonly faults?: readonly Fault[] | null;
}

/** What a session wants next. */
export type Step = { readonly woken: readonly number[] | null } & (Wait | Settled);
export type Wait = { readonly kind: "wait"; readonly pause: number | null };
export type Settled = Send | Done | Failed;
export type Send = {
  readonly kind: "send";
  readonly target: string;
  readonly operation: string;
  /** Which of its call's requests it is, from 1. */
  readonly number: number;
  /** The Region that it must go to, if that is not the client's own. */
  readonly region: string | null;
  /** Whether it only fetches keys or the description of a table: neither the caller's request nor a step of carrying it out. */
  readonly aside: boolean;
  readonly body: Buffer;
};
export type Done = { readonly kind: "done"; readonly status: number; readonly body: Buffer };
export type Failed = { readonly kind: "failed"; readonly failure: NativeFailure };

function load(): Native {
  const target = targetOfThisProcess();
  // Beside the sources, as `npm run build` leaves it; a published package has none.
  const built = join(__dirname, "..", "..", `dynaseal.${target}.node`);
  if (existsSync(built)) return require(built) as Native;
  const find = PACKAGES[target];
  if (!find)
    throw missing(`there is no native module for ${target}`, `run it on one of ${Object.keys(PACKAGES).join(", ")}`);
  try {
    return find() as Native;
  } catch (cause) {
    const hint =
      "install on the platform that will run it, without --omit=optional; a bundler must leave out dynaseal and @dynaseal/*";
    throw Object.assign(missing(`the package @dynaseal/${target} cannot be loaded`, hint), { cause });
  }
}

function missing(message: string, hint: string): DynasealError {
  return new DynasealError({ code: "DSL-9007", kind: "config", message, hint });
}

/** As the packages are named: platform, processor and, where it matters, C library. */
function targetOfThisProcess(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform === "win32") return `${platform}-msvc`;
  return process.platform === "linux" ? `${platform}-${isMusl() ? "musl" : "gnu"}` : platform;
}

function isMusl(): boolean {
  // A report would otherwise look up the name of every open connection.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  report.excludeNetwork = before ?? false;
  return !header.glibcVersionRuntime;
}

/** Each name stands in a call of its own, so that tools which trace files find them. */
const PACKAGES: Record<string, () => unknown> = {
  "linux-x64-gnu": () => require("@dynaseal/linux-x64-gnu"),
  "linux-x64-musl": () => require("@dynaseal/linux-x64-musl"),
  "linux-arm64-gnu": () => require("@dynaseal/linux-arm64-gnu"),
  "linux-arm64-musl": () => require("@dynaseal/linux-arm64-musl"),
  "darwin-x64": () => require("@dynaseal/darwin-x64"),
  "darwin-arm64": () => require("@dynaseal/darwin-arm64"),
  "win32-x64-msvc": () => require("@dynaseal/win32-x64-msvc"),
};

export const native: Native = load();
