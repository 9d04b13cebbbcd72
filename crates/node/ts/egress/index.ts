// dynaseal/egress: outgoing connections that cannot be led to loopback, private, link-local or metadata addresses.
//
//   URL or options -> host is an address? judge it
//                  -> DNS -> judge every address of the answer -> connect to one of these -> judge where the socket arrived
//
// address.ts  what an address is for        allow.ts       the allow list
// guard.ts    the decision and the lookup   agents.ts      node:http, node:https      dispatcher.ts  undici, fetch

export { EgressHttpAgent, EgressHttpsAgent } from "./agents.js";
export { type EgressDispatcher, egressDispatcher, type EgressDispatcherOptions } from "./dispatcher.js";
export { type EgressCode, EgressError } from "./error.js";
export type { EgressOptions, Lookup } from "./guard.js";
