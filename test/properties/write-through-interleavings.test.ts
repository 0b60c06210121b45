// Every order of the steps of two writers and a reader. Afterwards no tier of any process has a value that the table does not have.
// Nothing is random here: all orders are tested.
import { createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { SharedTable } from '../support/shared-table.js'

interface Setting {
  readonly b: 'sets' | 'deletes'
  readonly reader: 'in a third process' | 'in the process of A'
  readonly announcements: 'at once' | 'only at the end'
}

/** Whose step is next, such as 'AABRBRAB'. A and B plant, commit and finish; R begins and ends a load. */
const ORDERS = ordersOf({ A: 3, B: 3, R: 2 })

test.each<Setting>([
  { b: 'sets', reader: 'in a third process', announcements: 'at once' },
  { b: 'sets', reader: 'in a third process', announcements: 'only at the end' },
  { b: 'sets', reader: 'in the process of A', announcements: 'only at the end' },
  { b: 'deletes', reader: 'in a third process', announcements: 'at once' },
  { b: 'deletes', reader: 'in the process of A', announcements: 'at once' },
])('two writers and a reader, in the order %o, leave no wrong value', async (setting) => {
  expect(ORDERS).toHaveLength(560)
  const stage = await start(['a', 'b', 'c'])
  const wrong: string[] = []
  // Each order has an id of its own.
  for (const [id, order] of ORDERS.entries()) if (!(await agreesAfter(stage, id, order, setting))) wrong.push(order)
  expect(wrong).toEqual([])
})

test.each(ordersOf({ A: 2, R: 2 }))(
  'a writer that dies in the middle leaves no value behind its fence: %s',
  async (order) => {
    expect(await agreesAfterDeath(order)).toBe(true)
  },
)

async function start(names: readonly string[]) {
  const clock = new FakeClock()
  const server = new MemoryServer({ clock, startAtMs: 1_700_000_000_000 })
  const table = new SharedTable()
  const processes = names.map(() => {
    const tier = memoryTier(server)
    const cache = createCache({ clock, l2: tier, ttl: '1h' })
    return { tier, source: table.sourceOf(cache) }
  })
  await clock.advance(1)
  return { clock, table, processes }
}

type Stage = Awaited<ReturnType<typeof start>>

async function agreesAfter({ clock, table, processes }: Stage, id: number, order: string, setting: Setting) {
  const [a, b, c] = processes as [Stage['processes'][0], Stage['processes'][0], Stage['processes'][0]]
  table.rows.set(id, 'first')
  for (const { source } of processes) await source.get(id)
  await settle()
  if (setting.announcements === 'only at the end') for (const { tier } of processes) tier.busLink.stall('replies')

  const reader = setting.reader === 'in a third process' ? c : a
  await play(order, {
    A: writerSteps(table, () => a.source.save(id, 'from A')),
    B: writerSteps(table, () => (setting.b === 'sets' ? b.source.save(id, 'from B') : b.source.remove(id))),
    R: readerSteps(table, () => reader.source.get(id)),
  })
  if (setting.announcements === 'only at the end') for (const { tier } of processes) tier.busLink.resume()
  await clock.advance(10)
  for (const { source } of processes) if ((await source.get(id)) !== table.rows.get(id)) return false
  return true
}

async function agreesAfterDeath(order: string): Promise<boolean> {
  const { clock, table, processes } = await start(['a', 'c'])
  const [a, c] = processes as [Stage['processes'][0], Stage['processes'][0]]
  await c.source.get(1)
  await settle()
  await play(order, {
    // Its last step never comes, because the process is gone.
    A: writerSteps(table, () => a.source.save(1, 'from A')).slice(0, 2),
    R: readerSteps(table, () => c.source.get(1)),
  })
  a.tier.cut()
  // Only its fence is left, and not for long.
  await clock.advance(11_000)
  return (await c.source.get(1)) === table.rows.get(1) && (await c.source.get(1)) === table.rows.get(1)
}

type Steps = (() => void)[]

async function play(order: string, steps: Readonly<Record<string, Steps>>): Promise<void> {
  for (const who of order) {
    steps[who]?.shift()?.()
    await settle()
  }
}

function writerSteps(table: SharedTable, write: () => Promise<unknown>): Steps {
  let change: ReturnType<SharedTable['holdChange']> | undefined
  return [
    () => {
      change = table.holdChange()
      void write()
    },
    () => change?.commit(),
    () => change?.answer(),
  ]
}

function readerSteps(table: SharedTable, read: () => Promise<unknown>): Steps {
  let load: ReturnType<SharedTable['holdLoad']> | undefined
  return [
    () => {
      load = table.holdLoad()
      void read()
    },
    () => {
      load?.answer()
      // A reader that got the value from a tier began no load, so the next load is not held.
      table.releaseLoads()
    },
  ]
}

/** All sequences with this many of each letter. */
function ordersOf(counts: Readonly<Record<string, number>>): string[] {
  const letters = Object.keys(counts).filter((letter) => (counts[letter] as number) > 0)
  if (letters.length === 0) return ['']
  return letters.flatMap((letter) => {
    return ordersOf({ ...counts, [letter]: (counts[letter] as number) - 1 }).map((rest) => letter + rest)
  })
}
