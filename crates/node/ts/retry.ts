// A few tries for calls of Vault, which change nothing, and what keeps them from adding to an outage: the gateway's numbers.

import { native } from "./native.js";
import { pause } from "./pause.js";
import type { Reply } from "./services.js";

/** Shared by all calls of one server: a retry spends from a budget that answers fill up again. */
export class Retries {
  #budget = BUDGET;

  /** Tries until there is an answer that will not change, or the tries or the budget are used up. */
  async carryOut(attempt: () => Promise<Reply>, signal: AbortSignal | undefined): Promise<Reply> {
    for (let tried = 1; ; tried += 1) {
      const reply = await attempt();
      if (!mayPass(reply)) {
        this.#budget = Math.min(this.#budget + 1, BUDGET);
        return reply;
      }
      if (tried === TRIES || this.#budget < COST) return reply;
      this.#budget -= COST;
      // A random part, so that those who failed together do not come back together.
      await pause(PAUSE * 2 ** tried * Math.random(), signal);
    }
  }
}

/** Whether the next try may end differently. */
function mayPass(reply: Reply): boolean {
  return "lost" in reply || native.vaultMayPass(reply.status, reply.body);
}

/** How often a call is tried. */
export const TRIES = 3;
/** Half of the longest pause before the second try, in milliseconds; each further one may be twice as long. */
const PAUSE = 50;
/** What a retry costs; a call that gets an answer pays one back. */
const COST = 5;
const BUDGET = 100 * COST;
