// Servers on loopback for the tests, and a certificate that is made for each run.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A self-signed certificate for localhost and the loopback addresses: `{ key, cert }`. */
export function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "dynaseal-test-"));
  try {
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
    execFileSync("openssl", [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout", key, "-out", cert,
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:api.test,IP:127.0.0.1,IP:127.0.0.2",
    ], { stdio: "ignore" });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Serves until the test ends: `{ port, hits }`. With `tls`, over TLS. */
export async function serve(test, handler, { address = "127.0.0.1", tls, port = 0 } = {}) {
  const hits = [];
  const answer = (request, response) => {
    hits.push(`${request.method} ${request.url}`);
    handler(request, response);
  };
  const server = tls ? https.createServer(tls, answer) : http.createServer(answer);
  await new Promise((done, failed) => server.once("error", failed).listen(port, address, done));
  test.after(() => new Promise((done) => {
    server.close(done);
    server.closeAllConnections();
  }));
  return { port: server.address().port, hits };
}

/** The answer of a request: `{ status, body, address }`. Without a URL the options say where to. */
export function get(url, options = {}) {
  return new Promise((done, failed) => {
    const { request } = String(url).startsWith("https:") ? https : http;
    const call = request(...(url === undefined ? [options] : [url, options]), (response) => {
      let body = "";
      const address = response.socket.remoteAddress;
      response.setEncoding("utf8").on("data", (text) => (body += text));
      response.on("end", () => done({ status: response.statusCode, body, address }));
    });
    call.on("error", failed).end();
  });
}
