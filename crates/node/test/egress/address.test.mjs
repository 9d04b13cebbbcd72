// Which hosts are refused before or after DNS, told by the guard alone: no connection is made to an address that is not loopback.

import assert from "node:assert/strict";
import http from "node:http";
import { isIP } from "node:net";
import { test } from "node:test";

import { EgressError, EgressHttpAgent } from "dynaseal/egress";

/** What an agent says of one DNS answer. The connection itself is never opened: a public answer ends in PUBLIC. */
function verdict(addresses, { host = "host.test", port = 80, ...rules } = {}) {
  const list = [addresses].flat().map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  return new Promise((done) => {
    const agent = new EgressHttpAgent({ ...rules, lookup: (_host, _options, answer) => answer(null, list) });
    const real = http.Agent.prototype.createConnection;
    http.Agent.prototype.createConnection = (options) => {
      const socket = { prependOnceListener() {} };
      options.lookup(options.host, { all: true }, (error, found) => done(error ? error.code : `open ${found.map((a) => a.address)}`));
      return socket;
    };
    try {
      agent.createConnection({ host, port }, (error) => done(error.code));
    } finally {
      http.Agent.prototype.createConnection = real;
    }
  });
}

const REFUSED = {
  loopback: ["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1"],
  private: ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fdff:ffff::1"],
  "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
  "link-local": ["169.254.0.1", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf::1"],
  metadata: ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd20:ce::254"],
  unspecified: ["0.0.0.0", "0.1.2.3", "::"],
  multicast: ["224.0.0.1", "239.255.255.255", "ff02::1"],
  benchmarking: ["198.18.0.1", "198.19.255.255", "2001:2::1"],
  documentation: ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"],
  reserved: ["192.0.0.8", "240.0.0.1", "255.255.255.255", "2001:20::1", "100::1", "4000::1", "fec0::1", "5f00::1"],
  "IPv4 inside IPv6": [
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::FFFF:A00:1", "0:0:0:0:0:ffff:169.254.169.254", "::ffff:0.0.0.0", "::127.0.0.1", "::7f00:1",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "64:ff9b:1::8.8.8.8",
    "2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:0808:0808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1",
  ],
  "no address at all": ["", "localhost", "127.1", "0x7f.0.0.1", "1.1.1.1/8", "[::1]"],
};
const OPEN = ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.0.1", "169.255.0.1",
  "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.0.1", "192.169.0.1", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111",
  "2600:9000::1", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"];

for (const [range, addresses] of Object.entries(REFUSED)) {
  test(`refuses ${range}`, async () => {
    for (const address of addresses) {
      assert.equal(await verdict(address), "DSL-9101", `answer ${address}`);
      assert.equal(await verdict(["1.1.1.1", address]), "DSL-9101", `second answer ${address}`);
      assert.equal(await verdict([address, "1.1.1.1"]), "DSL-9101", `first answer ${address}`);
      if (isIP(address) !== 0) assert.equal(await verdict("1.1.1.1", { host: address }), "DSL-9101", `host ${address}`);
    }
  });
}

test("public addresses are open, and reach net.connect as they were judged", async () => {
  for (const address of OPEN) assert.equal(await verdict(address), `open ${address}`);
  assert.equal(await verdict(OPEN), `open ${OPEN}`);
});

test("an empty answer is refused", async () => {
  assert.equal(await verdict([]), "DSL-9101");
});

test("what opens what", async () => {
  const cases = [
    // a host name opens loopback, private and shared addresses, and nothing worse
    [{ allow: ["host.test"] }, "10.0.0.1", true],
    [{ allow: ["HOST.test."] }, "127.0.0.1", true],
    [{ allow: ["host.test"], host: "HOST.TEST." }, "100.64.0.9", true],
    [{ allow: ["host.test:80"] }, "10.0.0.1", true],
    [{ allow: ["host.test:81"] }, "10.0.0.1", false],
    [{ allow: ["host.test"] }, "169.254.0.1", false],
    [{ allow: ["host.test"] }, "169.254.169.254", false],
    [{ allow: ["host.test"] }, "fd00:ec2::254", false],
    [{ allow: ["host.test"] }, "0.0.0.0", false],
    [{ allow: ["host.test"] }, "224.0.0.1", false],
    [{ allow: ["host.test"], host: "other.test" }, "10.0.0.1", false],
    [{ allow: ["*.test"] }, "10.0.0.1", true],
    [{ allow: ["*.host.test"] }, "10.0.0.1", false],
    [{ allow: ["*.est"] }, "10.0.0.1", false],
    [{ allow: ["bücher.test"], host: "xn--bcher-kva.test" }, "10.0.0.1", true],
    // a range opens all in it but metadata, which is listed itself
    [{ allow: ["10.0.0.0/8"] }, "10.9.9.9", true],
    [{ allow: ["10.0.0.0/8"] }, "::ffff:10.9.9.9", true],
    [{ allow: ["10.0.0.0/8"] }, "11.0.0.1", true],
    [{ allow: ["10.0.0.0/8"] }, "172.16.0.1", false],
    [{ allow: ["169.254.0.0/16"] }, "169.254.1.1", true],
    [{ allow: ["169.254.0.0/16", "fc00::/7", "0.0.0.0/0", "::/0"] }, "169.254.169.254", false],
    [{ allow: ["169.254.0.0/16", "fc00::/7", "0.0.0.0/0", "::/0"] }, "fd00:ec2::254", false],
    [{ allow: ["169.254.169.254/32"] }, "169.254.169.254", false],
    [{ allow: ["169.254.169.254"] }, "169.254.169.254", true],
    [{ allow: ["169.254.169.254:80"] }, "169.254.169.254", true],
    [{ allow: ["169.254.169.254:81"] }, "169.254.169.254", false],
    [{ allow: ["[fd00:ec2::254]:80"] }, "fd00:ec2::254", true],
    [{ allow: ["fd00:ec2::254"] }, "fd00:ec2:0::254", true],
    [{ allow: ["fd00:1::/32"] }, "fd00:1::7", true],
    [{ allow: ["fd00:1::/32"] }, "fd00:2::7", false],
    // nothing that is not listed
    [{ public: false }, "1.1.1.1", false],
    [{ public: false, allow: ["host.test"] }, "1.1.1.1", true],
    [{ public: false, allow: ["host.test"], host: "evil.test" }, "1.1.1.1", false],
    [{ public: false, allow: ["1.1.1.0/24"] }, "1.1.1.1", true],
    [{ public: false, allow: ["1.1.1.0/24"], host: "1.1.1.1" }, "1.1.1.1", true],
    [{ public: false, allow: ["1.1.1.0/24"], host: "1.1.2.1" }, "1.1.2.1", false],
  ];
  for (const [rules, address, open] of cases) {
    assert.equal((await verdict(address, rules)).startsWith("open"), open, `${JSON.stringify(rules)} ${address}`);
  }
  assert.equal(await verdict("1.1.1.1", { public: false }), "DSL-9102");
});

test("an entry that cannot be read is an error, not a hole", () => {
  const entries = ["", " ", "http://host", "host/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8x", "127.1", "0x7f000001", "2130706433",
    "017700000001", "host:0", "host:65536", "host:", "*", "*.", "a b", "*.*.test", "x*.test", "::ffff:10.0.0.0/104", "fe80::1%eth0", "[::1", "[host]", "a..b", 7, null];
  for (const entry of entries) {
    assert.throws(() => new EgressHttpAgent({ allow: [entry] }), (error) => error instanceof EgressError && error.code === "DSL-9104", `${entry}`);
  }
  assert.throws(() => new EgressHttpAgent({ allow: "10.0.0.0/8" }), { code: "DSL-9104" });
});

test("an error has a code, says what to do, and does not tell the address", async () => {
  const agent = new EgressHttpAgent({ lookup: (_host, _options, answer) => answer(null, [{ address: "10.11.12.13", family: 4 }]) });
  const error = await new Promise((done) => http.get({ host: 'evil"\n.test', headers: { host: "x" }, agent }).on("error", done));
  assert.equal(error.name, "EgressError");
  assert.match(error.message, /^DSL-9101: the connection to "evil\\"\\n\.test" is refused: its address is not public but private\. If /);
  assert.ok(error.message.endsWith(`. ${error.hint[0].toUpperCase()}${error.hint.slice(1)}.`) && !error.stack.includes("10.11.12.13"));
});
