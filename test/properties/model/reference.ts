// The reference model: which values a read may answer under G1 to G4, whatever the network, the server and the clock did.
import type { History, Origin, Read, Write } from './history.js'

export interface Bounds {
  /** How long L1 of another process may lag behind a completed write (G3); 0 for who reads Redis and knows nothing yet. */
  readonly maxStalenessMs: number
  /** Loads failed: what was softly expired may be served. */
  readonly loadsFailed: boolean
  /** Everything is mended and told: what was queued counts as done. */
  readonly isOver: boolean
}

/**
 * The write that forbids `value` to `read`, if there is one: it came after the value and was in effect for this reader when the read
 * was called. Everything else is allowed, a miss always.
 *
 * A process that hears nobody and cannot ask Redis either may share a load that it has under way (G5): nobody can tell it better.
 */
export function forbiddenBy(history: History, value: Origin, read: Read, bounds: Bounds): Write | undefined {
  return history.writes.find(
    (write) =>
      write.reaches(value) &&
      !(write.process !== read.process && isSharedInTheDark(value, read)) &&
      (write.strength === 'hard' || !bounds.loadsFailed) &&
      isBefore(value, write) &&
      isInEffect(write, read, bounds),
  )
}

function isSharedInTheDark(value: Origin, read: Read): boolean {
  if (read.l2 === 'available' || value.process !== read.process || value.write !== undefined) return false
  return value.loaded === undefined || value.loaded.seq > read.called.seq
}

/** Whether the value is from before the write: loaded by a load that began before it, or set by a call that was over before it. */
function isBefore(value: Origin, write: Write): boolean {
  if (value.write === undefined) return value.began.seq < write.called.seq
  const { completed, result, process } = value.write
  if (completed === undefined || completed.seq > write.called.seq) return false
  // A queued value arrives some time later; its own process goes by the order of its calls at once.
  return result === 'applied' || process === write.process
}

function isInEffect(write: Write, read: Read, { maxStalenessMs, isOver }: Bounds): boolean {
  const { completed, result } = write
  if (completed === undefined) return false
  // G2: who wrote sees it at once, also when Redis could not be told.
  if (write.process === read.process) return completed.seq < read.called.seq
  if (result === 'queued') return isOver
  return completed.seq < read.called.seq && completed.atMs + maxStalenessMs <= read.called.atMs
}
