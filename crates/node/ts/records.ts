// Stream records: opened images go into a copy of the caller's own event, in which all else stays as it was.

import { type AttributeMap, decoded } from "./attributes.js";

/** `opened` is the event as JSON, with its images opened. */
export function withImages<Event extends object>(event: Event, opened: string): Event {
  const from = JSON.parse(opened) as Opened;
  const { Records: records } = event as { readonly Records?: unknown };
  if (!Array.isArray(records)) return withImage(event, from);
  return { ...event, Records: records.map((record: object, at) => withImage(record, from.Records?.[at])) };
}

/** What is read of an event or a record. */
interface Opened {
  readonly Records?: readonly Opened[];
  readonly dynamodb?: { readonly NewImage?: AttributeMap; readonly OldImage?: AttributeMap };
}

function withImage<Event extends { readonly dynamodb?: object }>(record: Event, from: Opened | undefined): Event {
  const { NewImage, OldImage } = from?.dynamodb ?? {};
  const images = { ...(NewImage && { NewImage: decoded(NewImage) }), ...(OldImage && { OldImage: decoded(OldImage) }) };
  return { ...record, dynamodb: { ...record.dynamodb, ...images } };
}
