// Plays a history of holds. The source is one row per key, whose commits become visible some time after their invalidation. The reference
// is one sentence: once a hold is over, no read returns what its commit replaced, in the writer's process from then on, and in others from
// the bound of G3 on.
import { type Cache, createCache } from 'tiercache'
import { FakeClock, MemoryServer, type MemoryTier, memoryTier, settle } from 'tiercache/testing'
import { HOLD_KEYS, HOLD_PROCESSES, type HoldStep, type HoldTagging } from './hold-steps.js'
import { type HoldMutation, withMutation } from './mutations.js'

const MAX_STALENESS_MS = 3_000
/** Every load and every hold is over, and everything is heard. */
const MENDED_MS = 20_000

/** With `'none'` there is one process, which has no L2. */
export type HoldTiers = 'shared' | 'none'

interface Commit {
  readonly key: string
  readonly version: number
  readonly visibleAtMs: number
  readonly heldUntilMs: number
  /** The process that invalidated; a process that was started in its place is another one. */
  readonly writer: Cache
  completedAtMs: number | undefined
}

interface Process {
  readonly cache: Cache
  readonly tier: MemoryTier | undefined
}

/** Rejects when a read returned what it must not, with the story. */
export async function playHolds(steps: readonly HoldStep[], tiers: HoldTiers, mutation?: HoldMutation): Promise<void> {
  await withMutation(mutation, async (mutate) => {
    const run = new HoldRun(tiers, mutate)
    try {
      await run.play(steps)
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${run.told.join('\n')}`, { cause: error })
    } finally {
      await run.close()
    }
  })
}

class HoldRun {
  readonly told: string[] = []
  readonly #clock = new FakeClock()
  readonly #server = new MemoryServer()
  readonly #processes: Process[]
  readonly #ended: Cache[] = []
  readonly #commits: Commit[] = []
  readonly #calls = new Set<Promise<void>>()
  #broken: Error | undefined

  constructor(
    private readonly tiers: HoldTiers,
    private readonly mutate: (tier: MemoryTier) => MemoryTier,
  ) {
    this.#processes = Array.from({ length: tiers === 'none' ? 1 : HOLD_PROCESSES }, () => this.#open())
  }

  #open(): Process {
    const options = { clock: this.#clock, name: 'holds', ttl: '10m', logger: false } as const
    if (this.tiers === 'none') return { cache: createCache(options), tier: undefined }
    const tier = memoryTier(this.#server)
    const l1 = { maxStaleness: MAX_STALENESS_MS }
    return { cache: createCache({ ...options, l1, l2: this.mutate(tier) }), tier }
  }

  async play(steps: readonly HoldStep[]): Promise<void> {
    await advance(this.#clock, 1)
    for (const step of steps) {
      await this.#do(step)
      await settle(2)
      if (this.#broken !== undefined) throw this.#broken
    }
    for (const { tier } of this.#processes) tier?.restore()
    await advance(this.#clock, MENDED_MS)
    for (const { cache } of this.#processes)
      for (const key of HOLD_KEYS) this.#read(cache, key, () => cache.get<number>(key))
    await advance(this.#clock, 1_000)
    if (this.#broken !== undefined) throw this.#broken
    if (this.#calls.size > 0) throw new Error(`${this.#calls.size} calls never came to an end`)
  }

  async close(): Promise<void> {
    const closing = Promise.all(
      [...this.#ended, ...this.#processes.map(({ cache }) => cache)].map((one) => one.close()),
    )
    let isOver = false
    void closing.then(() => {
      isOver = true
    })
    for (await settle(2); !isOver; ) await advance(this.#clock, 100)
  }

  async #do(step: HoldStep): Promise<void> {
    if (step.step === 'advance') return advance(this.#clock, step.ms)
    this.told.push(`${this.#clock.nowMs()} ${JSON.stringify(step)}`)
    const at = step.process % this.#processes.length
    const { cache, tier } = this.#processes[at] as Process
    switch (step.step) {
      case 'commit':
        return this.#commit(cache, step)
      case 'load':
        return this.#read(cache, step.key, () => this.#load(cache, step))
      case 'get':
        return this.#read(cache, step.key, () => cache.get<number>(step.key))
      case 'delete':
      case 'expire':
        return this.#track(cache[step.step](step.key))
      case 'invalidateTags':
      case 'expireTags':
        return this.#track(cache[step.step](tagOf(step.key)))
      case 'restart':
        if (tier === undefined) return
        this.#ended.push(cache)
        this.#processes[at] = this.#open()
        return
      case 'latency':
        if (tier !== undefined) tier.link.replyMs = step.replyMs
        return
      case 'busLatency':
        if (tier !== undefined) tier.busLink.replyMs = step.replyMs
        return
      case 'cutBus':
        return tier?.busLink.cut()
      case 'restoreBus':
        return tier?.busLink.restore()
      default:
        return step satisfies never
    }
  }

  #commit(cache: Cache, { key, by, visibleMs, holdMs }: Extract<HoldStep, { step: 'commit' }>): void {
    const nowMs = this.#clock.nowMs()
    const commit: Commit = {
      key,
      version: this.#commits.length + 1,
      visibleAtMs: nowMs + visibleMs,
      heldUntilMs: nowMs + holdMs,
      writer: cache,
      completedAtMs: undefined,
    }
    this.#commits.push(commit)
    const done =
      by === 'delete' ? cache.delete(key, { hold: holdMs }) : cache.invalidateTags(tagOf(key), { hold: holdMs })
    this.#track(
      done.then((result) => {
        if (result === 'applied') commit.completedAtMs = this.#clock.nowMs()
      }),
    )
  }

  /** What the source shows now: the latest commit that is visible. Commits become visible in any order, as on a replica that is behind. */
  #visible(key: string): number {
    const nowMs = this.#clock.nowMs()
    return this.#commits.reduce(
      (latest, commit) => (commit.key === key && commit.visibleAtMs <= nowMs ? commit.version : latest),
      0,
    )
  }

  #load(cache: Cache, step: Extract<HoldStep, { step: 'load' }>): Promise<number> {
    const { key, tagging, loadMs } = step
    return cache.getOrSet(
      key,
      async (ctx) => {
        const version = this.#visible(key)
        this.told.push(`${this.#clock.nowMs()} ${step.process} loads ${key} = ${version}`)
        if (loadMs > 0) await new Promise<void>((resolve) => void this.#clock.after(loadMs, resolve))
        if (tagging === 'byLoader') ctx.tags(tagOf(key))
        return version
      },
      { tags: tagsOf(tagging, key) },
    )
  }

  #read(cache: Cache, key: string, call: () => Promise<number | undefined>): void {
    const calledAtMs = this.#clock.nowMs()
    this.#track(
      call().then((version) => {
        if (version === undefined) return
        const replaced = this.#commits.find((commit) => isForbidden(commit, { cache, key, version, calledAtMs }))
        if (replaced === undefined) return
        const story = `a read of ${calledAtMs} returned ${key} = ${version}, although commit ${replaced.version} replaced it`
        throw new Error(`${story}: its hold ended at ${replaced.heldUntilMs}`)
      }),
    )
  }

  #track(call: Promise<unknown>): void {
    const tracked: Promise<void> = call
      .catch((error: unknown) => {
        this.#broken ??= error as Error
      })
      .then(() => void this.#calls.delete(tracked))
    this.#calls.add(tracked)
  }
}

/** A read after the hold must not return an earlier version. A later commit that is still held may hide nothing of this one. */
function isForbidden(
  commit: Commit,
  read: { readonly cache: Cache; readonly key: string; readonly version: number; readonly calledAtMs: number },
): boolean {
  const { completedAtMs, heldUntilMs } = commit
  if (commit.key !== read.key || read.version >= commit.version || completedAtMs === undefined) return false
  if (commit.writer === read.cache) return read.calledAtMs >= heldUntilMs
  return read.calledAtMs >= Math.max(completedAtMs, heldUntilMs) + MAX_STALENESS_MS
}

function tagOf(key: string): string {
  return `tag of ${key}`
}

function tagsOf(tagging: HoldTagging, key: string): readonly string[] | (() => readonly string[]) {
  if (tagging === 'byLoader') return []
  return tagging === 'listed' ? [tagOf(key)] : () => [tagOf(key)]
}

/** As in `run-history.ts`: one turn of the event loop per timer. */
async function advance(clock: FakeClock, ms: number): Promise<void> {
  const untilMs = clock.nowMs() + ms
  for (;;) {
    await settle(2)
    const nextMs = clock.msToNextTimer()
    if (nextMs === undefined || clock.nowMs() + nextMs > untilMs) break
    clock.advanceSync(nextMs)
  }
  clock.advanceSync(untilMs - clock.nowMs())
  await settle(2)
}
