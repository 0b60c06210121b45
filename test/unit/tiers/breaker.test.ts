import { deferred, FakeClock, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { Breaker } from '../../../src/tiers/breaker.js'

const POLICY = { failures: 3, slowAfterMs: 100, openForMs: 1_000, maxOpenForMs: 8_000 }
const DOWN = new Error('down')

/** A breaker whose trials return `works`, and a record of what it reported. `random` 1 makes each pause as long as possible. */
function breaker(policy = {}) {
  const clock = new FakeClock()
  const told: string[] = []
  const owner = {
    works: false as boolean | Promise<boolean>,
    trials: 0,
    async tryAgain() {
      owner.trials++
      return owner.works
    },
    opened: (reason: Error) => void told.push(`opened: ${reason.message}`),
    closed: () => void told.push('closed'),
  }
  return { clock, told, owner, breaker: new Breaker({ ...POLICY, ...policy }, clock, () => 1, owner) }
}

describe('a closed breaker', () => {
  test('opens after a number of failures in a row and reports it once', () => {
    const { breaker: own, told } = breaker()
    own.failed(DOWN)
    own.failed(DOWN)
    expect(own.state).toBe('closed')
    own.failed(DOWN)
    own.failed(DOWN)
    expect(own.state).toBe('open')
    expect(told).toEqual(['opened: down'])
  })

  test('resets its count after a success', () => {
    const { breaker: own } = breaker()
    for (let i = 0; i < 10; i++) {
      own.failed(DOWN)
      own.failed(DOWN)
      own.succeeded(5)
    }
    expect(own.state).toBe('closed')
  })

  test('counts a slow reply as a failure', () => {
    const { breaker: own, told } = breaker()
    for (let i = 0; i < 3; i++) own.succeeded(101)
    expect(own.state).toBe('open')
    expect(told[0]).toContain('101 ms')
  })

  test('accepts a reply of exactly the limit', () => {
    const { breaker: own } = breaker()
    for (let i = 0; i < 3; i++) own.succeeded(100)
    expect(own.state).toBe('closed')
  })
})

describe('an open breaker', () => {
  test('tries once after its pause and closes if the trial succeeds', async () => {
    const { breaker: own, owner, clock, told } = breaker()
    owner.works = true
    own.open(DOWN)
    await clock.advance(999)
    expect([own.state, owner.trials]).toEqual(['open', 0])
    await clock.advance(1)
    expect([own.state, owner.trials]).toEqual(['closed', 1])
    expect(told).toEqual(['opened: down', 'closed'])
  })

  test('is half-open while its one trial runs, whatever else happens', async () => {
    const { breaker: own, owner, clock } = breaker()
    const trial = deferred<boolean>()
    owner.works = trial.promise
    own.open(DOWN)
    await clock.advance(1_000)
    own.failed(DOWN)
    own.succeeded(1)
    await clock.advance(60_000)
    expect([own.state, owner.trials]).toEqual(['half-open', 1])
    trial.resolve(true)
    await settle()
    expect(own.state).toBe('closed')
  })

  test('doubles its pauses while trials fail, up to the longest one', async () => {
    const { breaker: own, owner, clock } = breaker()
    own.open(DOWN)
    const triedAt: number[] = []
    const startMs = clock.nowMs()
    for (let seen = 0; clock.nowMs() < startMs + 32_000; await clock.advance(500)) {
      if (owner.trials > seen) triedAt.push(clock.nowMs() - startMs)
      seen = owner.trials
    }
    expect(triedAt).toEqual([1_000, 3_000, 7_000, 15_000, 23_000, 31_000])
  })

  test('keeps its longer pauses if it opens again soon after it closed, and resets them otherwise', async () => {
    const { breaker: own, owner, clock } = breaker()
    owner.works = true
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      own.open(DOWN)
      await clock.advance(pauseMs - 1)
      expect(own.state).toBe('open')
      await clock.advance(1)
      expect(own.state).toBe('closed')
    }
    await clock.advance(8_001)
    own.open(DOWN)
    await clock.advance(1_000)
    expect(own.state).toBe('closed')
  })

  test('tries at once when the store reports that it is back', async () => {
    const { breaker: own, owner } = breaker()
    owner.works = true
    own.open(DOWN)
    await own.tryNow()
    expect(own.state).toBe('closed')
  })

  test('tries once more at once when the store came back during a trial that failed', async () => {
    const { breaker: own, owner, clock } = breaker()
    const trial = deferred<boolean>()
    owner.works = trial.promise
    own.open(DOWN)
    await clock.advance(1_000)
    void own.tryNow()
    owner.works = true
    trial.resolve(false)
    await settle()
    expect([own.state, owner.trials]).toEqual(['closed', 2])
  })

  test('ignores the result of a trial that it gave up', async () => {
    const { breaker: own, owner, clock } = breaker()
    const first = deferred<boolean>()
    owner.works = first.promise
    own.open(DOWN)
    await clock.advance(1_000)
    own.open(new Error('the link dropped during the trial'))
    owner.works = deferred<boolean>().promise
    void own.tryNow()
    first.resolve(true)
    await settle()
    expect(own.state).toBe('half-open')
  })

  test('does not try again and leaves no timer once it was ended', async () => {
    const { breaker: own, owner, clock } = breaker()
    own.open(DOWN)
    own.end()
    expect(clock.pendingTimers).toBe(0)
    own.open(DOWN)
    await own.tryNow()
    await clock.advance(60_000)
    expect([owner.trials, clock.pendingTimers]).toEqual([0, 0])
  })
})
