// Request bodies: JSON objects, each member checked. A ZodError is answered with the names of what is wrong.

import { bodyParser } from "@koa/bodyparser";
import type { Middleware } from "koa";
import type { BaseLogger } from "pino";
import { z } from "zod";
import { Answer } from "./answers.js";

/** Reads a body that is declared as JSON, and shows it to the log, which redacts a copy: what the handlers get keeps its password. */
export function jsonBody(log: BaseLogger): Middleware[] {
  const declared: Middleware = (ctx, next) => {
    if (ctx.request.type.toLowerCase() !== "application/json") throw new Answer(415, "JSON required");
    return next();
  };
  const parse = bodyParser({ enableTypes: ["json"], jsonLimit: "16kb", jsonStrict: false });
  const read: Middleware = async (ctx, next) => {
    await parse(ctx, async () => {}).catch((error: { status?: unknown }) => {
      // What cannot be unpacked, such as a body that is gzip by name alone, is no fault of the service.
      throw typeof error.status === "number" ? error : new Answer(400, "Malformed JSON");
    });
    if (!ctx.request.rawBody) throw new Answer(400, "Malformed JSON");
    log.debug({ body: ctx.request.body }, "input");
    return next();
  };
  return [declared, read];
}

/** A name that can be registered. */
export const USERNAME = /^[a-z0-9-]{3,32}$/;

const username = z.string().regex(USERNAME);
const email = z.email().max(254);
/** In characters; an upper bound, since hashing costs. */
const password = z.string().refine((text) => [...text].length >= 12 && [...text].length <= 128);

export const Registration = z.strictObject({ username, email, password });
export const Change = z.strictObject({ email });
export const Credentials = z.strictObject({ username: z.string(), password: z.string() });
