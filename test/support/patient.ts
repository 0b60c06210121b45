// For tests of what Redis answers, not of how soon a hung one is given up.

/** Options of `redisTier`: a busy machine must not look like a Redis that hangs. */
export const PATIENT = { timeout: '5s' } as const
