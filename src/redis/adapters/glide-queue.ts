// The order and the number of commands in GLIDE. It does not keep the order of commands that are sent at once: of 40,000 that were sent 2,000
// at a time, 9,000 changed places. And beyond a limit (`inflightRequestsLimit`, 1,000 by default) it refuses commands, those of the application
// included.

/** How many commands of the caches are in GLIDE at once. */
const AT_ONCE = 250

/** Commands that change nothing, as far as they are used: the order among them does not matter. */
const READS: ReadonlySet<string> = new Set([
  ...['get', 'mget', 'getrange', 'scan', 'xrange', 'xread'],
  ...['info', 'time', 'ping', 'client', 'script', 'cluster'],
])

/** The commands that must be executed in the order of sending: all of one server, or those of a slot. */
interface Lane {
  write: Promise<void> | undefined
  readonly reads: Set<Promise<void>>
}

type Work = () => Promise<unknown>

/** A write waits for the replies to all commands before it in its lane, a read for those to the writes before it. */
export class GlideQueue {
  #running = 0
  /** A list with a moving start: `shift` of a long array costs its length. */
  #waiting: (() => void)[] = []
  #next = 0
  readonly #lanes = new Map<number, Lane>()

  run(slot: number, command: string, work: Work): Promise<unknown> {
    let lane = this.#lanes.get(slot)
    if (lane === undefined) {
      lane = { write: undefined, reads: new Set() }
      this.#lanes.set(slot, lane)
    }
    return READS.has(command) ? this.#read(slot, lane, work) : this.#write(slot, lane, work)
  }

  #read(slot: number, lane: Lane, work: Work): Promise<unknown> {
    const own = lane.write === undefined ? this.#enter(work) : lane.write.then(() => this.#enter(work))
    const done: Promise<void> = own.then(ignore, ignore).then(() => {
      lane.reads.delete(done)
      this.#leave(slot, lane)
    })
    lane.reads.add(done)
    return own
  }

  #write(slot: number, lane: Lane, work: Work): Promise<unknown> {
    const before = [...lane.reads]
    if (lane.write !== undefined) before.push(lane.write)
    const own = before.length === 0 ? this.#enter(work) : Promise.all(before).then(() => this.#enter(work))
    const done: Promise<void> = own.then(ignore, ignore).then(() => {
      if (lane.write === done) lane.write = undefined
      this.#leave(slot, lane)
    })
    lane.write = done
    lane.reads.clear()
    return own
  }

  #leave(slot: number, lane: Lane): void {
    if (lane.write === undefined && lane.reads.size === 0 && this.#lanes.get(slot) === lane) this.#lanes.delete(slot)
  }

  #enter(work: Work): Promise<unknown> {
    if (this.#running < AT_ONCE) return this.#start(work)
    return new Promise((resolve) => this.#waiting.push(() => resolve(this.#start(work))))
  }

  #start(work: Work): Promise<unknown> {
    this.#running++
    const reply = work()
    reply.then(this.#ended, this.#ended)
    return reply
  }

  readonly #ended = (): void => {
    this.#running--
    const start = this.#waiting[this.#next]
    if (start === undefined) return
    this.#next++
    if (this.#next === this.#waiting.length) {
      this.#waiting = []
      this.#next = 0
    }
    start()
  }
}

function ignore(): void {}
