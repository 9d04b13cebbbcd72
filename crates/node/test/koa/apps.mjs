// Koa applications on loopback for the tests.

import http from "node:http";
import https from "node:https";

import Koa from "koa";

/** Serves middlewares until the test ends: `{ port, app, errors, call }`. With `tls`, over TLS. */
export async function serveKoa(test, middlewares, { proxy = false, tls, address = "127.0.0.1", path } = {}) {
  const app = new Koa({ proxy });
  const errors = [];
  app.on("error", (error) => errors.push(error));
  for (const middleware of middlewares) app.use(middleware);
  const server = tls ? https.createServer(tls, app.callback()) : http.createServer(app.callback());
  await new Promise((done, failed) => server.once("error", failed).listen(path ? { path } : { port: 0, host: address }, done));
  test.after(() => new Promise((done) => {
    server.close(done);
    server.closeAllConnections();
  }));
  const port = path ? undefined : server.address().port;
  const to = path ? { socketPath: path } : { host: address, port };
  const call = (options = {}) => send({ ...to, protocol: tls ? "https:" : "http:", ...(tls && { ca: tls.cert }), ...options });
  return { app, port, errors, call };
}

/** One request: `{ status, headers, text, json }`. */
export function send({ protocol = "http:", body, ...options }) {
  return new Promise((done, failed) => {
    const { request } = protocol === "https:" ? https : http;
    const call = request({ protocol, agent: false, ...options }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("error", failed).on("end", () => {
        const json = () => JSON.parse(text);
        done({ status: response.statusCode, headers: response.headers, text, json });
      });
    });
    call.on("error", failed).end(body);
  });
}

/** What a test's code printed, instead of the console. */
export function captured(test, ...methods) {
  const lines = [];
  for (const method of methods) test.mock.method(console, method, (...args) => lines.push(args.map(String).join(" ")));
  return lines;
}
