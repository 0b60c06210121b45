// No validity depends on the wall clock of a process. The clocks of these two operating-system processes are an hour apart.
import type { Lookup } from 'tiercache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.js'
import { FleetMember } from './fleet-member.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

const HOUR_MS = 3_600_000

/** Moves the time of day in a process. */
const SHIFTED = `
  const RealDate = Date
  globalThis.Date = class Date extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [RealDate.now() + ${HOUR_MS}] : args))
    }
    static now() {
      return RealDate.now() + ${HOUR_MS}
    }
  }`

const PRELOAD = ['--import', `data:text/javascript,${encodeURIComponent(SHIFTED)}`]

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let punctual: FleetMember
  let ahead: FleetMember

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    const settings = { ports: fleet.ports }
    ;[punctual, ahead] = await Promise.all([FleetMember.start(settings), FleetMember.start(settings, PRELOAD)])
  })

  afterAll(async () => {
    await Promise.all([punctual.kill(), ahead.kill()])
    await fleet.stop()
  })

  const bothWays = (): (readonly [string, FleetMember, FleetMember])[] => [
    ['ahead', punctual, ahead],
    ['behind', ahead, punctual],
  ]

  test('the clocks of the two processes are an hour apart', async () => {
    const [there, here] = await Promise.all(
      [punctual, ahead].map((one) => one.ask<{ nowMs: number }>({ do: 'wallClock' })),
    )
    expect(Math.abs((here?.nowMs ?? 0) - (there?.nowMs ?? 0) - HOUR_MS)).toBeLessThan(HOUR_MS / 2)
  })

  test('a value that one process set for ten seconds is fresh in the other one and has its true age', async () => {
    for (const [key, writer, reader] of bothWays()) {
      expect(await writer.ask({ do: 'set', key, value: 'v', ttl: '10s' })).toBe('applied')
      const found = await reader.ask<Lookup<string>>({ do: 'lookup', key })
      expect(found).toMatchObject({ found: true, value: 'v', state: 'fresh' })
      expect(found.found && found.ageMs).toBeGreaterThanOrEqual(0)
      expect(found.found && found.ageMs).toBeLessThan(10_000)
    }
  })

  test('a value that one process loaded is not loaded again by the other one', async () => {
    for (const [key, loader, reader] of bothWays()) {
      const load = { do: 'load', key: `loaded ${key}`, value: 'v', callers: 3 } as const
      expect(await loader.ask(load)).toEqual({ values: ['v'], loads: 1 })
      expect(await reader.ask(load)).toEqual({ values: ['v'], loads: 0 })
    }
  })

  test.each([
    { do: 'invalidateTags', tags: ['t'] } as const,
    { do: 'delete', key: 'k' } as const,
    { do: 'clear' } as const,
    { do: 'set', key: 'k', value: 'new' } as const,
  ])('$do in either process reaches the other one', async (change) => {
    for (const [, writer, reader] of bothWays()) {
      await writer.ask({ do: 'set', key: 'k', value: 'old', tags: ['t'] })
      await waitFor('the value', async () => (await reader.ask({ do: 'get', key: 'k' })) === 'old')
      expect(await writer.ask(change)).toBe('applied')
      const expected = change.do === 'set' ? 'new' : null
      expect(await writer.ask({ do: 'get', key: 'k' })).toBe(expected)
      await waitFor('the change', async () => (await reader.ask({ do: 'get', key: 'k' })) === expected)
      // In the other direction: a value loaded after the change is cached again.
      const load = { do: 'load', key: 'k', value: 'new', tags: ['t'] } as const
      expect(await reader.ask(load)).toMatchObject({ values: ['new'] })
    }
  })
})
