// Stream records: the caller's event is looked at once, and opened images go into a copy of it, in which all else stays as it was.
//
//   { Records: [record, …] }           a Lambda event, an answer of GetRecords; "records" of Firehose
//   [record, …]                        what EventBridge Pipes hands over
//   { dynamodb: { NewImage, … }, … }   a record
//   { kinesis: { data } }              one that a Kinesis stream carries, as base64 of its JSON; also data or Data alone
//   { Metadata, Keys, NewImage, … }    a line of an incremental export

import { type AttributeMap, decoded, own } from "./attributes.js";
import { DynasealError } from "./errors.js";

/** An event, or one of its records, with opened images: the SDK's values, whatever form they came in. */
export type Opened<Event> = Event extends readonly (infer Record)[]
  ? Opened<Record>[]
  : { [Name in keyof Event]: OpenedMember<Name, Event[Name]> };
type OpenedMember<Name, Member> = Name extends (typeof LISTS)[number]
  ? OpenedRecords<Member>
  : Name extends typeof CHANGE
    ? OpenedChange<Member>
    : // Of a line of an export.
      Name extends (typeof IMAGES)[number]
      ? OpenedImage<Member>
      : Member;
type OpenedRecords<Records> = Records extends readonly (infer Record)[] ? Opened<Record>[] : Records;
type OpenedChange<Change> = Change extends object
  ? { [Name in keyof Change]: Name extends (typeof IMAGES)[number] ? OpenedImage<Change[Name]> : Change[Name] }
  : Change;
type OpenedImage<Image> = Image extends object ? AttributeMap : Image;

/** What is looked at of an event, or of a record, from then on: a copy down to where images lie. */
export function lookedAt<Event extends object>(event: Event): Event {
  if (Array.isArray(event)) return Array.from(event, record) as unknown as Event;
  const list = LISTS.find((name) => Array.isArray(own(event, name)));
  return list === undefined ? (record(event) as Event) : { ...event, [list]: Array.from(own(event, list) as unknown[], record) };
}

function record(given: unknown): unknown {
  if (!isObject(given)) return given;
  const inner = [CHANGE, KINESIS].find((name) => isObject(own(given, name)));
  return inner === undefined ? { ...given } : { ...given, [inner]: { ...(own(given, inner) as object) } };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `opened` is what was looked at as JSON, with its images opened. */
export function withImages<Event extends object>(event: Event, opened: string): Event {
  const from: unknown = JSON.parse(opened);
  if (Array.isArray(event)) return each(event, from) as unknown as Event;
  const list = LISTS.find((name) => Array.isArray(own(event, name)));
  if (list === undefined) return opening(event, from);
  return { ...event, [list]: each(own(event, list) as unknown[], own(from, list)) };
}

/** A record by its place: the engine gives back as many as it was given. */
function each(records: unknown[], all: unknown): unknown[] {
  return records.map((record, at) => opening(record as object, (all as readonly unknown[])[at]));
}

/** A record, in whichever form it came. */
function opening<Event extends object>(record: Event, from: unknown): Event {
  if (own(record, CHANGE) !== undefined) return { ...record, dynamodb: withImage(own(record, CHANGE) as object, own(from, CHANGE)) };
  if (isObject(own(record, KINESIS))) return { ...record, kinesis: carrying(own(record, KINESIS) as object, own(from, KINESIS)) };
  if (DATA.some((name) => typeof own(record, name) === "string")) return carrying(record, from);
  // What is none of these was not opened, and is not given back as if it were.
  if (!isObject(own(record, METADATA))) throw notTheSame();
  return withImage(record, from);
}

/** Opened is what the base64 holds. */
function carrying<Holder extends object>(holder: Holder, from: unknown): Holder {
  const name = DATA.find((one) => typeof own(holder, one) === "string");
  const data = name && own(from, name);
  if (name === undefined || typeof data !== "string") throw notTheSame();
  return { ...holder, [name]: data };
}

function withImage<Change extends object>(before: Change, change: unknown): Change {
  const images: Record<string, AttributeMap> = {};
  for (const name of IMAGES) {
    const image = own(change, name) ?? undefined;
    // No image comes back that was not opened, and none that was not there.
    if ((image === undefined) !== ((own(before, name) ?? undefined) === undefined)) throw notTheSame();
    if (image !== undefined) images[name] = decoded(image as AttributeMap);
  }
  return { ...before, ...images };
}

function notTheSame(): DynasealError {
  return new DynasealError({
    code: "DSL-9013",
    kind: "caller",
    message: "openRecords: what the event prints as JSON is not what it has as members",
    hint: "give an event as Lambda or GetRecords gives it, without functions such as toJSON",
  });
}

const LISTS = ["Records", "records"] as const;
const CHANGE = "dynamodb";
const KINESIS = "kinesis";
const DATA = ["data", "Data"];
const METADATA = "Metadata";
const IMAGES = ["NewImage", "OldImage"] as const;
