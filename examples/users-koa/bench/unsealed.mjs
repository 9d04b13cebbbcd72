// Preloaded, it makes the service one without encryption: seal() gives the client back as it is.

import { register } from "node:module";

const nothing = "data:text/javascript,export const seal = (client) => client;";
const hooks = `export const resolve = (name, context, next) =>
  name === "dynaseal" ? { url: ${JSON.stringify(nothing)}, shortCircuit: true } : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
