// Prints what the demo measures, and counts the promises that were not kept.

export interface Measured<T> {
  readonly value: T
  readonly ms: number
}

export async function timed<T>(run: () => Promise<T>): Promise<Measured<T>> {
  const startedAtMs = performance.now()
  const value = await run()
  return { value, ms: performance.now() - startedAtMs }
}

export class Report {
  failures = 0

  heading(text: string): void {
    console.log(`\n${text}`)
  }

  /** One promise, with what was observed. */
  line(what: string, seen: string, holds: boolean): void {
    if (!holds) this.failures++
    console.log(`  ${holds ? 'ok ' : 'NOT'} ${what.padEnd(58)} ${seen}`)
  }
}

export function inMs(ms: number): string {
  return ms < 1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(1)} ms`
}
