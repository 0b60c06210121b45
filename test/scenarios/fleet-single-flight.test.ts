// G5 between operating-system processes: one load for all processes that ask for a cold key, and one more if the lease holder dies.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FleetMember } from './fleet-member.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

interface Loaded {
  readonly values: readonly unknown[]
  readonly loads: number
}

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let members: FleetMember[]

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    const settings = { ports: fleet.ports, leaseTtl: '1s' } as const
    members = await Promise.all([1, 2, 3, 4].map(() => FleetMember.start(settings)))
  })

  afterAll(async () => {
    await Promise.all(members.map((member) => member.kill()))
    await fleet.stop()
  })

  test('four processes with 250 callers each load a cold key once', async () => {
    // Longer than the lease, so that its holder must renew it.
    const request = { do: 'load', key: 'cold', callers: 250, loadMs: 1_500, tags: ['t'], value: 'v' } as const
    const answers = await Promise.all(members.map((member) => member.ask<Loaded>(request)))
    expect(answers.map(({ values }) => values)).toEqual(Array(4).fill(['v']))
    expect(answers.reduce((sum, { loads }) => sum + loads, 0)).toBe(1)
  })

  // Its load takes longer than the test may, so the others can only be waiting for its lease.
  test('when a process is killed while it loads, the others wait for its lease at most', async () => {
    const [holder, ...others] = members as [FleetMember, ...FleetMember[]]
    const hangs = holder.ask({ do: 'load', key: 'orphan', loadMs: 60_000, value: 'never' }).catch(() => 'killed')
    await holder.isLoading('orphan')
    const request = { do: 'load', key: 'orphan', callers: 50, loadMs: 50, value: 'v' } as const
    const asked = others.map((member) => member.ask<Loaded>(request))
    await holder.kill()
    const answers = await Promise.all(asked)
    expect(await hangs).toBe('killed')
    expect(answers.map(({ values }) => values)).toEqual(Array(3).fill(['v']))
    expect(answers.reduce((sum, { loads }) => sum + loads, 0)).toBe(1)
  })
})
