import type { KoaContext } from "./types.js";

/** Takes away what a handler had set for its own answer, and what does not fit the one that takes its place. */
export function clearAnswer(ctx: KoaContext): void {
  for (const name of REPRESENTATION) ctx.remove(name);
}

const REPRESENTATION = [
  "Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition", "Content-Range", "Content-Language", "Accept-Ranges",
  "ETag", "Last-Modified", "Cache-Control", "Expires", "Location", "Transfer-Encoding",
];
