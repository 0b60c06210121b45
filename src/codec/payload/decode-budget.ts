// What one payload may make when it is decoded: a few bytes can stand for much. The writer holds itself to the same, so that nothing is
// written that no reader takes. Any decoder can be held to it: it asks for room before it makes something.
import { DataLimits } from '../../model/values/data-limits.js'

/** How many bytes of memory a byte of the largest value may stand for, up to `USUAL_MEMORY_BYTES`. */
const MEMORY_RATIO = 32
const USUAL_MEMORY_BYTES = 256 * 1024 * 1024
/** The same beyond that, where the heap is soon full. Rows of small numbers take about ten. */
const LARGE_MEMORY_RATIO = 12
/** So that a small `maxValueBytes` bounds bytes, and not shapes. */
const LEAST_MEMORY_BYTES = 16 * 1024 * 1024

const OBJECT_BYTES = 56
const ARRAY_BYTES = 32
const SLOT_BYTES = 8
/** An index as a name makes room for all before it, up to this distance; beyond it V8 keeps a table. */
const LARGEST_GAP = 1024
const TABLE_ENTRY_BYTES = 40

/** A value weighs at least so much of the memory that it is estimated to take. */
const WEIGHT_SHARE = 1 / 8

/** Collections of fewer keys are filled quickly whatever the keys. */
const FEW_KEYS = 64
/** So many keys are put in between two looks at the clock. */
const KEYS_AT_A_TIME = 2048
/** CPU time, in microseconds, to fill collections: at least ten times what it takes on a busy machine where keys do not collide. */
const FREE_MICROS = 250_000
const MICROS_PER_KEY = 5

/** There is no room left for the whole, or a part is beyond what data may be. */
export class OverBudget extends Error {
  constructor(
    readonly of: 'whole' | 'part',
    message: string,
  ) {
    super(message)
  }
}

/** Counts over one payload. */
export class DecodeBudget {
  private readonly memoryBytes: number
  private leftBytes = 0
  private limits = new DataLimits()
  private hashedKeys = 0
  private hashingMicros = 0

  /** `maxValueBytes`: of the largest payload, before compression. */
  constructor(maxValueBytes: number) {
    const usual = Math.min(maxValueBytes * MEMORY_RATIO, USUAL_MEMORY_BYTES)
    this.memoryBytes = Math.max(usual, maxValueBytes * LARGE_MEMORY_RATIO, LEAST_MEMORY_BYTES)
  }

  /** For the next payload. */
  begin(): void {
    this.leftBytes = this.memoryBytes
    this.limits = new DataLimits()
    this.hashedKeys = 0
    this.hashingMicros = 0
  }

  /** What the value weighs in memory if it was encoded in `rawBytes`: that is also said of what little bytes make much of. */
  weightOf(rawBytes: number): number {
    return Math.max(rawBytes, Math.ceil((this.memoryBytes - this.leftBytes) * WEIGHT_SHARE))
  }

  /** Takes room; throws `OverBudget` where there is none. */
  take(bytes: number): void {
    this.leftBytes -= bytes
    if (this.leftBytes < 0) {
      throw new OverBudget('whole', `a value that takes more than ${this.memoryBytes} bytes of memory, as estimated`)
    }
  }

  array(length: number): void {
    this.take(ARRAY_BYTES + SLOT_BYTES * length)
  }

  object(size: number): void {
    this.take(OBJECT_BYTES + SLOT_BYTES * size)
  }

  /**
   * A name that begins with a digit, of an object that has room for `slots` indices; returns for how many it has room then. As V8 does it:
   * `{ 1000: 0 }` takes 12 KB.
   */
  index(name: string, slots: number): number {
    const index = Number(name)
    if (!Number.isInteger(index) || index < slots || index - slots >= LARGEST_GAP) {
      this.take(TABLE_ENTRY_BYTES)
      return slots
    }
    const grown = index + (index >> 1) + 16
    this.take((grown - slots) * SLOT_BYTES)
    return grown
  }

  /** The same for all names of an object. */
  indices(names: readonly string[]): void {
    let slots = 0
    for (const name of names) if (beginsWithDigit(name)) slots = this.index(name, slots)
  }

  /**
   * Runs `put` for each of `count` keys of a Map or Set. V8 hashes numbers and BigInts without a seed, so that whoever chooses them can
   * make all fall into one place: each is then compared with all before it. What shows it is the time alone.
   */
  fill(count: number, put: (index: number) => void): void {
    let sinceMicros = count > FEW_KEYS ? cpuMicros() : 0
    for (let i = 0; i < count; i++) {
      put(i)
      if (count <= FEW_KEYS || (i !== count - 1 && i % KEYS_AT_A_TIME !== KEYS_AT_A_TIME - 1)) continue
      const nowMicros = cpuMicros()
      this.hashingMicros += nowMicros - sinceMicros
      sinceMicros = nowMicros
      if (this.hashingMicros > FREE_MICROS + MICROS_PER_KEY * (this.hashedKeys + i)) {
        throw new OverBudget('part', 'a Map or Set whose keys collide')
      }
    }
    this.hashedKeys += count
  }

  /** An array of `length` with holes, of which `entries` elements exist. */
  sparse(length: number, entries: number): void {
    demand(this.limits.sparse(length))
    this.take(length <= LARGEST_GAP * 2 ? length * 1.5 * SLOT_BYTES : 0)
    this.take(TABLE_ENTRY_BYTES * entries)
  }

  regexp(source: string, flags: string): void {
    demand(this.limits.regexp(source, flags))
  }

  error(properties: number): void {
    demand(this.limits.error(properties))
    this.take(TABLE_ENTRY_BYTES * properties)
  }

  bigint(value: bigint): void {
    demand(this.limits.bigint(value))
  }
}

/** Of this process: time in which the machine does something else does not count. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Whether a name may be an index. */
function beginsWithDigit(name: string): boolean {
  const first = name.charCodeAt(0)
  return first >= 0x30 && first <= 0x39
}

function demand(problem: string | undefined): void {
  if (problem !== undefined) throw new OverBudget('part', problem)
}
