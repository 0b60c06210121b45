// The reference model: which values a read may return under G1 to G4, whatever the network, the server and the clock did.
import type { History, Origin, Read, Write } from './history.js'

export interface Bounds {
  /** How long L1 of another process may lag behind a completed write (G3). 0 for a new process, which has only what Redis returns. */
  readonly maxStalenessMs: number
  /** Loads failed, so softly expired values may be served. */
  readonly loadsFailed: boolean
  /** All faults are over and everything is published, so queued writes count as done. */
  readonly isOver: boolean
}

/**
 * The write that forbids `value` to `read`, if there is one: it came after the value and was in effect for the reading process when the
 * read was called. Everything else is allowed, and a miss always is.
 *
 * A process whose bus is not heard and that cannot reach Redis may share a running load (G5), since it cannot know better.
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

/** Whether the value is older than the write: its load began before the write, or its `set` was over before it. */
function isBefore(value: Origin, write: Write): boolean {
  if (value.write === undefined) return value.began.seq < write.called.seq
  const { completed, result, process } = value.write
  if (completed === undefined || completed.seq > write.called.seq) return false
  // A queued value arrives some time later, but its own process follows the order of its calls at once.
  return result === 'applied' || process === write.process
}

function isInEffect(write: Write, read: Read, { maxStalenessMs, isOver }: Bounds): boolean {
  const { completed, result } = write
  if (completed === undefined) return false
  // G2: the writing process sees the write at once, even if Redis could not be reached.
  if (write.process === read.process) return completed.seq < read.called.seq
  if (result === 'queued') return isOver
  return completed.seq < read.called.seq && completed.atMs + maxStalenessMs <= read.called.atMs
}
