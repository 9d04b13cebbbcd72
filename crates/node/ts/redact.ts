// Plaintext must not reach logs: not through the SDK's own logger, and not through the errors that it throws.

/** Middleware: what the SDK's logger prints of inputs and outputs. */
export function redactLogs(next: (args: unknown) => unknown, context: Context) {
  return (args: unknown) => {
    context.inputFilterSensitiveLog = context.outputFilterSensitiveLog = redacted;
    // The document client's own filters go before the others in every version of the SDK.
    context.dynamoDbDocumentClientOptions = {
      ...context.dynamoDbDocumentClientOptions,
      overrideInputFilterSensitiveLog: redacted,
      overrideOutputFilterSensitiveLog: redacted,
    };
    return next(args);
  };
}

interface Context {
  inputFilterSensitiveLog?: unknown;
  outputFilterSensitiveLog?: unknown;
  dynamoDbDocumentClientOptions?: object;
}

/** The same members, each with its value only if that cannot be an item's. */
function redacted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const shown = (name: string, member: unknown) => (LOGGABLE.has(name) ? member : "[redacted by dynaseal]");
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shown(name, member)]));
}

/**
 * Members that hold no part of an item. Expressions and their names do: a key inside an encrypted map is encrypted, too, and stands
 * in them as it is.
 */
const LOGGABLE = new Set([
  "TableName",
  "IndexName",
  "Limit",
  "Count",
  "ScannedCount",
  "ConsistentRead",
  "ScanIndexForward",
  "Segment",
  "TotalSegments",
  "Select",
  "ReturnValues",
  "ReturnConsumedCapacity",
  "ConsumedCapacity",
]);

/**
 * The items on an exception stay readable as properties, but out of JSON.stringify, of loggers that copy an error's members,
 * and of the raw answer that the SDK keeps.
 */
export function quiet(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return error;
  for (const name of ["Item", "CancellationReasons"] as const) {
    const value = (error as Record<string, unknown>)[name];
    if (value !== undefined)
      Object.defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true });
  }
  const { $response } = error as { $response?: { body?: unknown } };
  if ($response?.body !== undefined) $response.body = undefined;
  return error;
}
