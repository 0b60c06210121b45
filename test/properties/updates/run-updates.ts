// Plays a history of updates on several caches over one server, and checks that it is linearizable.
import { type Cache, CacheError, createCache } from 'tiercache'
import { FakeClock, MemoryServer, type MemoryTier, memoryTier, settle } from 'tiercache/testing'
import { until } from '../../support/until.js'
import { type Mutation, mutated } from '../model/mutations.js'
import { areSame, type Operation, orderOf, type State } from './checker.js'
import { PROCESSES, type Step } from './steps.js'

const KEY = 'k'
/** Faults over, every late command executed, everything that was queued published. */
const MENDED_MS = 15_000
/** A queued change may be executed when it was sent, and again by each replay whose reply is lost. */
const EXECUTIONS = 3

/**
 * Rejects if no order of the calls explains what their callers saw. Returns how many updates were stored. With `idleTtl`, updates begin
 * from the entry in memory.
 */
export async function runUpdates(
  steps: readonly Step[],
  { mutation, idleTtl }: { readonly mutation?: Mutation | undefined; readonly idleTtl?: '30m' | undefined } = {},
): Promise<number> {
  const run = new Run(mutation, idleTtl)
  try {
    return await run.play(steps)
  } finally {
    await run.close()
  }
}

class Run {
  readonly #clock = new FakeClock()
  readonly #server = new MemoryServer({ clock: this.#clock })
  readonly #processes: readonly { readonly cache: Cache; readonly tier: MemoryTier }[]
  readonly #operations: Operation[] = []
  readonly #calls = new Set<Promise<void>>()
  #broken: unknown
  #events = 0
  #ids = 0
  #stored = 0

  constructor(mutation: Mutation | undefined, idleTtl: '30m' | undefined) {
    let draws = 0
    const random = () => (draws++ % 10) / 10
    this.#processes = Array.from({ length: PROCESSES + 1 }, () => {
      const tier = memoryTier(this.#server, { breaker: { openFor: 100, maxOpenFor: 1_000 } })
      const options = { name: 'updates', ttl: '1h', idleTtl, logger: false, l1: { maxEntries: 10 } } as const
      return { tier, cache: createCache({ ...options, clock: this.#clock, random, l2: mutated(tier, mutation) }) }
    })
  }

  async play(steps: readonly Step[]): Promise<number> {
    await this.#clock.advance(1)
    for (const step of steps) {
      this.#do(step)
      if (step.step === 'advance') await this.#clock.advance(step.ms)
      else await settle(1)
    }
    await this.#mend()
    // All is mended, so what this update sees is what the key has.
    this.#update(0, 0)
    await until(this.#clock, this.#allEnded(), 50)
    if (this.#broken !== undefined) throw this.#broken
    if (orderOf(this.#operations) === undefined) throw new Error(`no order explains this history\n${this.#story()}`)
    return this.#stored
  }

  async close(): Promise<void> {
    await until(this.#clock, Promise.all(this.#processes.map(({ cache }) => cache.close())), 50)
  }

  #do(step: Step): void {
    if (step.step === 'advance') return
    const { cache, tier } = this.#processes[step.process]!
    switch (step.step) {
      case 'update':
        this.#update(step.process, step.tookMs)
        return
      case 'get':
        this.#get()
        return
      case 'set':
        this.#set(cache, step.process)
        return
      case 'delete':
        this.#delete(cache, step.process)
        return
      case 'pull':
        this.#pull(cache, step.process)
        return
      case 'latency':
        tier.link.requestMs = step.requestMs
        tier.link.replyMs = step.replyMs
        return
      case 'cut':
      case 'restore':
      case 'stall':
      case 'resume':
        tier[step.link === 'data' ? 'link' : 'busLink'][step.step]()
        return
      case 'fault':
        tier.link.inject({ ...step.fault, times: 1 })
        return
      default:
        step satisfies never
    }
  }

  #update(process: number, tookMs: number): void {
    const id = ++this.#ids
    const called = ++this.#events
    let saw: State
    const append = async (list: State) => {
      saw = list
      if (tookMs > 0) await new Promise<void>((resolve) => void this.#clock.after(tookMs, resolve))
      return [...(list ?? []), id]
    }
    const effect = (before: State) => (areSame(before, saw) ? [...(saw ?? []), id] : 'impossible')
    const what = (ended: string) => `${called} update ${id} by ${process} saw [${saw}]: ${ended} at ${this.#events}`
    const call = this.#processes[process]!.cache.update<readonly number[]>(KEY, append, { retries: 30 })
    const ended = (list: State) => {
      if (!areSame(list, [...(saw ?? []), id]))
        throw new Error(`update ${id} returned [${list}], although it saw [${saw}]`)
      this.#stored++
      this.#add({ what: what('stored'), called, ended: ++this.#events, isCertain: true, effect })
    }
    const failed = (error: unknown) => {
      // Any other failure says that nothing was changed.
      if (isUnknown(error)) this.#add({ what: what('unknown'), called, ...MAY_COME_LATER, effect })
    }
    this.#track(call.then(ended, failed))
  }

  /** By a process that only reads: a writer reads what it has queued (G2). A miss proves nothing, since L2 may have been out of reach. */
  #get(): void {
    const { cache } = this.#processes[PROCESSES]!
    const called = ++this.#events
    const ended = (list: State) => {
      if (list === undefined) return
      const effect = (before: State) => (areSame(before, list) ? before : 'impossible')
      const what = `${called} get: [${list}] at ${this.#events}`
      this.#add({ what, called, ended: ++this.#events, isCertain: true, effect })
    }
    this.#track(cache.get<readonly number[]>(KEY, { tiers: 'l2' }).then(ended))
  }

  #set(cache: Cache, process: number): void {
    const id = ++this.#ids
    const called = ++this.#events
    const effect = () => [id]
    const ended = (result: 'applied' | 'queued') => {
      const what = `${called} set ${id} by ${process}: ${result} at ${this.#events}`
      if (result === 'applied') {
        this.#add({ what, called, ended: ++this.#events, isCertain: true, effect })
        return
      }
      for (let i = 0; i < EXECUTIONS; i++) this.#add({ what, called, ...MAY_COME_LATER, effect })
      // A value that waited may be removed instead.
      const removed = { what: `${what}, then removed`, called, ...MAY_COME_LATER, effect: () => undefined }
      for (let i = 0; i < EXECUTIONS; i++) this.#add(removed)
    }
    this.#track(cache.set(KEY, [id]).then(ended))
  }

  #delete(cache: Cache, process: number): void {
    const called = ++this.#events
    const effect = () => undefined
    const ended = (result: 'applied' | 'queued') => {
      const what = `${called} delete by ${process}: ${result} at ${this.#events}`
      if (result === 'applied') this.#add({ what, called, ended: ++this.#events, isCertain: true, effect })
      else for (let i = 0; i < EXECUTIONS; i++) this.#add({ what, called, ...MAY_COME_LATER, effect })
    }
    this.#track(cache.delete(KEY).then(ended))
  }

  #pull(cache: Cache, process: number): void {
    const called = ++this.#events
    const what = (ended: string) => `${called} pull by ${process}: ${ended} at ${this.#events}`
    const ended = (list: State) => {
      const effect = (before: State) => (areSame(before, list) ? undefined : 'impossible')
      this.#add({ what: what(`[${list}]`), called, ended: ++this.#events, isCertain: true, effect })
    }
    const failed = (error: unknown) => {
      if (isUnknown(error)) this.#add({ what: what('unknown'), called, ...MAY_COME_LATER, effect: () => undefined })
    }
    this.#track(cache.pull<readonly number[]>(KEY).then(ended, failed))
  }

  #add(operation: Operation): void {
    this.#operations.push(operation)
  }

  #track(call: Promise<void>): void {
    const tracked: Promise<void> = call
      .catch((error: unknown) => {
        this.#broken ??= error
      })
      .then(() => void this.#calls.delete(tracked))
    this.#calls.add(tracked)
  }

  async #allEnded(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls)
  }

  async #mend(): Promise<void> {
    for (const { tier } of this.#processes) {
      for (const link of [tier.link, tier.busLink]) {
        link.clearFaults()
        link.resume()
        link.requestMs = 0
        link.replyMs = 0
      }
      tier.restore()
    }
    await until(this.#clock, this.#allEnded(), 50)
    await this.#clock.advance(MENDED_MS)
  }

  #story(): string {
    return this.#operations.map(({ what }) => what).join('\n')
  }
}

const MAY_COME_LATER = { ended: Number.POSITIVE_INFINITY, isCertain: false } as const

/** Whether a call rejected without knowing if it took effect. Throws what no call may reject with. */
function isUnknown(error: unknown): boolean {
  const isExpected =
    error instanceof CacheError && (error.code === 'L2_UNAVAILABLE' || error.code === 'UPDATE_CONFLICT')
  if (!isExpected) throw error
  return error.message.includes('may have been made')
}
