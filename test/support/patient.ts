// For tests about the replies of Redis, not about how soon a hung server is given up.

/** Options of `redisTier` with which a busy machine does not look like a hung Redis. */
export const PATIENT = { timeout: '5s' } as const
