// dynaseal/koa: the middlewares around a Koa service whose items are sealed. Order:
//
//   app.use(accessLog())        accesslog.ts    first, to see every answer
//   app.use(secureHeaders())    headers.ts      on every answer, errors included (head.ts)
//   app.use(requireHttps())     https.ts        before anything reads the request
//   app.use(jsonErrors())       jsonerrors.ts   around what answers errors: the form of those that are left
//   app.use(dynamoErrors())     errors.ts       around parser, schema and handlers; classify.ts says what an error means
//   redact()                    redact/         for what the application itself logs

export { accessLog, type AccessLogEntry, type AccessLogOptions } from "./accesslog.js";
export type { Failure, FailureKind } from "./classify.js";
export { type SetupCode, SetupError } from "./error.js";
export { DynamoFailure, dynamoErrors, type DynamoErrorsOptions, type SecurityEvent } from "./errors.js";
export { jsonErrors } from "./jsonerrors.js";
export { secureHeaders, type SecureHeadersOptions } from "./headers.js";
export { type HstsOptions, requireHttps, type RequireHttpsOptions } from "./https.js";
export { type Logger, redact, type Redacted, type RedactOptions, type Redactor } from "./redact/index.js";
export type { KoaContext, KoaMiddleware } from "./types.js";
