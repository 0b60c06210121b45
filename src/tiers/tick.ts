// Runs work once at the end of the present turn, after everything that the turn still issues.

/**
 * Calls `run` when the running microtasks have settled: what one tick asks for, continuations included, then travels together.
 * A microtask first (so that a synchronous caller finishes), then `nextTick`, which Node runs only when no microtask is left.
 */
export function atEndOfTick(run: () => void): void {
  queueMicrotask(() => process.nextTick(run))
}
