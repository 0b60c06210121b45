// Runs the steps of one history on several caches over one server, and checks every value read against the reference model.
import { type Cache, CacheError, createCache, type PolicyOptions } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { mulberry32 } from '../../support/random.js'
import { History, type Read, type Value, type Write } from './history.js'
import { type Mutation, mutated } from './mutations.js'
import { forbiddenBy } from './reference.js'
import { KEYS, type Place, PROCESSES, type Step } from './steps.js'

const MAX_STALENESS_MS = 3_000
/** After this time faults are over, changes published and delayed commands executed. */
const MENDED_MS = 15_000
/** Longer than many slow loads one after the other. */
const HUNG_MS = 200_000

class LoadFailed extends Error {}

/** Rejects if a guarantee was broken, with the whole history. */
export async function runHistory(
  steps: readonly Step[],
  seed: number,
  mutation?: Mutation,
  options: PolicyOptions = {},
): Promise<void> {
  const run = new Run(seed, mutation, options)
  try {
    await run.play(steps)
  } catch (error) {
    throw new Error(`${String((error as Error).message)}\n${run.history.told.join('\n')}`, { cause: error })
  } finally {
    await run.close()
  }
}

class Run {
  readonly clock = new FakeClock()
  readonly history = new History(this.clock)
  readonly #server = new MemoryServer()
  readonly #processes
  readonly #calls = new Set<Promise<void>>()
  readonly #broken: Error[] = []
  #loadsFailed = false

  constructor(
    seed: number,
    private readonly mutation: Mutation | undefined,
    private readonly options: PolicyOptions,
  ) {
    const random = mulberry32(seed)
    this.#processes = Array.from({ length: PROCESSES }, () => this.#open(random, { maxEntries: 3 }))
  }

  #open(random: () => number, l1: { maxEntries: number } | false) {
    const tier = memoryTier(this.#server, { breaker: { openFor: 100, maxOpenFor: 1_000 } })
    const l2 = mutated(tier, this.mutation)
    const policy = { ttl: '10m', staleWhileRevalidate: '1m', staleIfError: '1h', ...this.options } as const
    const cache = createCache({
      ...policy,
      clock: this.clock,
      random,
      l2,
      l1: l1 && { ...l1, maxStaleness: MAX_STALENESS_MS },
      name: 'model',
    })
    return { tier, root: cache, ns: cache.namespace('ns') }
  }

  async play(steps: readonly Step[]): Promise<void> {
    await advance(this.clock, 1)
    for (const step of steps) {
      await this.#do(step)
      await settle(1)
      if (this.#broken[0] !== undefined) throw this.#broken[0]
    }
    await this.#mend()
    await this.#checkAll()
    if (this.#broken[0] !== undefined) throw this.#broken[0]
  }

  async close(): Promise<void> {
    await this.#until(Promise.all(this.#processes.map(({ root }) => root.close())))
  }

  /** Lets time pass until `work` is done. */
  async #until<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const ended = work.finally(() => {
      isOver = true
    })
    for (await settle(1); !isOver; ) await advance(this.clock, 100)
    return ended
  }

  async #do(step: Step): Promise<void> {
    switch (step.step) {
      case 'load':
        return this.#load(step)
      case 'reserve':
        return this.#reserve(step)
      case 'get':
        return this.#read(step.process, step.place, (cache) => cache.get(step.place.key, { tiers: step.tiers }))
      case 'getMany':
        return this.#getMany(step.process, step.scope)
      case 'set': {
        const { write, value } = this.history.set(step.process, whereOf(step.place), step.tags)
        return this.#write(write, this.#cache(step).set(step.place.key, value, { tags: step.tags }))
      }
      case 'delete':
      case 'expire': {
        const where = whereOf(step.place)
        const strength = step.step === 'delete' ? 'hard' : 'soft'
        const write = this.history.write(
          `${step.step} ${where}`,
          step.process,
          strength,
          (value) => value.where === where,
        )
        return this.#write(write, this.#cache(step)[step.step](step.place.key))
      }
      case 'invalidateTags':
      case 'expireTags': {
        const strength = step.step === 'invalidateTags' ? 'hard' : 'soft'
        const reaches: Write['reaches'] = (value) => value.tags.some((tag) => step.tags.includes(tag))
        const write = this.history.write(`${step.step} ${step.tags}`, step.process, strength, reaches)
        return this.#write(write, this.#processes[step.process]!.root[step.step](step.tags))
      }
      case 'clear':
      case 'expireAll': {
        const strength = step.step === 'clear' ? 'hard' : 'soft'
        const reaches: Write['reaches'] = (value) => step.scope === 'root' || value.where.startsWith(step.scope)
        const write = this.history.write(`${step.step} ${step.scope}`, step.process, strength, reaches)
        return this.#write(write, this.#processes[step.process]![step.scope][step.step]())
      }
      case 'advance':
        return advance(this.clock, step.ms)
      default:
        this.history.tell(JSON.stringify(step))
        return this.#disturb(step)
    }
  }

  #disturb(step: Exclude<Step, { step: 'load' | 'reserve' | 'get' | 'getMany' | 'set' | 'advance' }>): void {
    const server = this.#server
    const tier = 'process' in step ? this.#processes[step.process]!.tier : this.#processes[0]!.tier
    switch (step.step) {
      case 'latency':
        tier.link.requestMs = step.requestMs
        tier.link.replyMs = step.replyMs
        return
      case 'busLatency':
        tier.busLink.replyMs = step.replyMs
        return
      case 'cut':
      case 'restore':
      case 'stall':
      case 'resume':
        tier[step.link === 'data' ? 'link' : 'busLink'][step.step]()
        return
      case 'loseAnnouncements':
        tier.busLink.lose(step.count)
        return
      case 'fault':
        tier.link.inject({ ...step.fault, times: 1 })
        return
      case 'busFault':
        tier.busLink.inject({ ...step.fault, times: 1 })
        return
      case 'reorderAnnouncements':
        tier.busLink.reorder()
        return
      case 'evict': {
        const names = server.keys().filter((key) => isOf(step.what, key))
        if (names.length > 0) server.evict(names[step.at % names.length]!)
        return
      }
      case 'wipe':
        server.wipe()
        return
      case 'restartKept':
        server.restart('kept')
        return
      case 'restartEmpty':
        server.restart('lost')
        return
      case 'pause':
        server.pause()
        return
      case 'unpause':
        server.resume()
        return
    }
  }

  #cache({ process, place }: { process: number; place: Place }): Cache {
    return this.#processes[process]![place.scope]
  }

  #load(step: Extract<Step, { step: 'load' }>): void {
    const { place, tags, tagging, loadMs, fails, tiers, singleFlight } = step
    this.#read(step.process, place, (cache) =>
      cache.getOrSet<Value>(
        place.key,
        async (ctx) => {
          const value = this.history.load(step.process, whereOf(place), tags)
          if (loadMs > 0) await new Promise<void>((resolve) => void this.clock.after(loadMs, resolve))
          this.history.loaded(value)
          if (fails) {
            this.#loadsFailed = true
            throw new LoadFailed()
          }
          if (tagging === 'byLoader') ctx.tags(tags)
          return value
        },
        {
          ...{ tiers, singleFlight },
          tags: tagging === 'listed' ? tags : tagging === 'derived' ? (value) => value.tags : [],
        },
      ),
    )
  }

  /** What its caller puts into the slot was read from the source after the slot was given. */
  #reserve(step: Extract<Step, { step: 'reserve' }>): void {
    const { place, process, tags, tagging, openMs, end } = step
    this.#read(process, place, async (cache) => {
      // A slot that is forgotten makes the other processes poll until its limit, which takes most of the time of a history.
      const limit = { hardTimeout: 200 }
      const reserved = await cache.reserve<Value>(place.key, { ...limit, tags: tagging === 'listed' ? tags : [] })
      if (reserved.hit) return reserved.value
      const value = this.history.load(process, whereOf(place), tags)
      if (openMs > 0) await new Promise<void>((resolve) => void this.clock.after(openMs, resolve))
      this.history.loaded(value)
      if (end === 'fill') await reserved.fill(value, tagging === 'atFill' ? { tags } : {})
      else if (end === 'release') reserved.release()
      return undefined
    })
  }

  #read(process: number, place: Place, call: (cache: Cache) => Promise<Value | undefined>): void {
    const read = this.#asked(process)
    this.#track(
      call(this.#cache({ process, place })).then(
        (value) => this.#check(read, value, whereOf(place)),
        (error: unknown) => {
          const isExpected =
            error instanceof LoadFailed || (error instanceof CacheError && error.code === 'LOAD_TIMEOUT')
          if (!isExpected) throw error
        },
      ),
    )
  }

  #getMany(process: number, scope: Place['scope']): void {
    const read = this.#asked(process)
    const values = this.#processes[process]![scope].getMany<Value>(KEYS)
    this.#track(
      values.then((found) =>
        found.forEach((value, i) => {
          this.#check(read, value, whereOf({ scope, key: KEYS[i]! }))
        }),
      ),
    )
  }

  #asked(process: number): Read {
    const { available } = this.#processes[process]!.root.stats().l2
    return { process, called: this.history.now(), l2: available ? 'available' : 'unavailable' }
  }

  #write(write: Write, call: Promise<'applied' | 'queued'>): void {
    this.#track(call.then((result) => this.history.completed(write, result)))
  }

  #track(call: Promise<void>): void {
    const tracked: Promise<void> = call
      .catch((error: unknown) => void this.#broken.push(error as Error))
      .then(() => void this.#calls.delete(tracked))
    this.#calls.add(tracked)
  }

  #check(read: Read, value: Value | undefined, where: string, over?: 'through L1' | 'from Redis'): void {
    if (value === undefined) return
    const origin = this.history.originOf(value)
    this.history.tell(`${read.process} reads ${where} = ${value.id}, asked at ${read.called.atMs}`)
    if (origin.where !== where) throw new Error(`a read of ${where} returned a value of ${origin.where}`)
    const maxStalenessMs = over === 'from Redis' ? 0 : MAX_STALENESS_MS
    const bounds = { maxStalenessMs, loadsFailed: this.#loadsFailed, isOver: over !== undefined }
    const write = forbiddenBy(this.history, origin, read, bounds)
    if (write === undefined) return
    const forbidden = `${write.what} by ${write.process} was ${write.result} at ${write.completed?.atMs}`
    throw new Error(`process ${read.process} read ${where} = ${value.id}, although ${forbidden}`)
  }

  async #mend(): Promise<void> {
    this.history.tell('mended')
    this.#server.resume()
    for (const { tier } of this.#processes) {
      for (const link of [tier.link, tier.busLink]) {
        link.clearFaults()
        link.resume()
        link.requestMs = 0
        link.replyMs = 0
      }
      tier.restore()
    }
    const hungAtMs = this.clock.nowMs() + HUNG_MS
    while (this.#calls.size > 0 && this.clock.nowMs() < hungAtMs) await advance(this.clock, 1_000)
    if (this.#calls.size > 0) throw new Error(`${this.#calls.size} calls never came to an end`)
    await advance(this.clock, MENDED_MS)
  }

  /** Reads every key through each process of the history, and through a new process that has only what Redis returns. */
  async #checkAll(): Promise<void> {
    const newcomer = this.#open(Math.random, false)
    await advance(this.clock, 1)
    for (const scope of ['root', 'ns'] as const) {
      for (const [process, { [scope]: cache }] of [...this.#processes, newcomer].entries()) {
        const read = { process, called: this.history.now(), l2: 'available' as const }
        const values = await this.#until(cache.getMany<Value>(KEYS))
        values.forEach((value, i) => {
          const over = process === PROCESSES ? 'from Redis' : 'through L1'
          this.#check(read, value, whereOf({ scope, key: KEYS[i]! }), over)
        })
      }
    }
    await this.#until(newcomer.root.close())
  }
}

/** Like `clock.advance`, but with one turn of the event loop per timer. That is enough here and three times as fast. */
async function advance(clock: FakeClock, ms: number): Promise<void> {
  const untilMs = clock.nowMs() + ms
  for (;;) {
    await settle(1)
    const nextMs = clock.msToNextTimer()
    if (nextMs === undefined || clock.nowMs() + nextMs > untilMs) break
    clock.advanceSync(nextMs)
  }
  clock.advanceSync(untilMs - clock.nowMs())
  await settle(1)
}

function whereOf({ scope, key }: Place): string {
  return `${scope}/${key}`
}

function isOf(what: 'key' | 'token' | 'log', key: string): boolean {
  if (what === 'log') return key.endsWith('#bus')
  return key.startsWith('{') === (what === 'token') && !key.endsWith('#bus')
}
