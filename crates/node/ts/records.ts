// Stream records: the caller's event is looked at once, and opened images go into a copy of it, in which all else stays as it was.

import { type AttributeMap, decoded, own } from "./attributes.js";
import { DynasealError } from "./errors.js";

/** An event, or one of its records, with opened images: the SDK's values, whatever form they came in. */
export type Opened<Event> = {
  [Name in keyof Event]: Name extends "Records" ? OpenedRecords<Event[Name]> : Name extends "dynamodb" ? OpenedChange<Event[Name]> : Event[Name];
};
type OpenedRecords<Records> = Records extends readonly (infer Record)[] ? Opened<Record>[] : Records;
type OpenedChange<Change> = Change extends object
  ? { [Name in keyof Change]: Name extends (typeof IMAGES)[number] ? OpenedImage<Change[Name]> : Change[Name] }
  : Change;
type OpenedImage<Image> = Image extends object ? AttributeMap : Image;

/** What is looked at of an event, or of a record, from then on: a copy down to where images lie. */
export function lookedAt<Event extends object>(event: Event): Event {
  const records = own(event, RECORDS);
  return Array.isArray(records) ? { ...event, Records: Array.from(records, record) } : (record(event) as Event);
}

function record(given: unknown): unknown {
  const change = own(given, CHANGE);
  const isChange = typeof change === "object" && change !== null && !Array.isArray(change);
  return isChange ? { ...(given as object), dynamodb: { ...change } } : given;
}

/** `opened` is what was looked at as JSON, with its images opened. */
export function withImages<Event extends object>(event: Event, opened: string): Event {
  const from: unknown = JSON.parse(opened);
  const records = own(event, RECORDS);
  if (!Array.isArray(records)) return withImage(event, from);
  const all = own(from, RECORDS);
  if (!Array.isArray(all) || all.length !== records.length) throw notTheSame();
  return { ...event, Records: records.map((record: object, at) => withImage(record, all[at])) };
}

function withImage<Event extends object>(record: Event, from: unknown): Event {
  const before = own(record, CHANGE);
  const change = own(from, CHANGE);
  const images: Record<string, AttributeMap> = {};
  for (const name of IMAGES) {
    const image = own(change, name) ?? undefined;
    // No image comes back that was not opened, and none that was not there.
    if ((image === undefined) !== ((own(before, name) ?? undefined) === undefined)) throw notTheSame();
    if (image !== undefined) images[name] = decoded(image as AttributeMap);
  }
  return before === undefined ? record : { ...record, dynamodb: { ...(before as object), ...images } };
}

function notTheSame(): DynasealError {
  return new DynasealError({
    code: "DSL-9013",
    kind: "caller",
    message: "openRecords: what the event prints as JSON is not what it has as members",
    hint: "give an event as Lambda or GetRecords gives it, without functions such as toJSON",
  });
}

const RECORDS = "Records";
const CHANGE = "dynamodb";
const IMAGES = ["NewImage", "OldImage"] as const;
