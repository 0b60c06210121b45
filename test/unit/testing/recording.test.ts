import { expect, test } from 'vitest'
import { deferred } from '../../../src/testing/deferred.js'
import { record } from '../../../src/testing/recording.js'
import { settle } from '../../../src/testing/settle.js'

interface Events {
  hit: { key: string }
  miss: { key: string; reason: 'absent' | 'stale' }
  closed: undefined
}

class Reporter {
  private readonly listeners = new Map<keyof Events, Set<(detail: never) => void>>()

  on<Name extends keyof Events>(event: Name, listener: (detail: Events[Name]) => void): () => void {
    const set = this.listeners.get(event) ?? new Set()
    this.listeners.set(event, set.add(listener))
    return () => void set.delete(listener)
  }

  report<Name extends keyof Events>(event: Name, detail: Events[Name]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(detail as never)
  }
}

test('a recording has the requested events in the order in which they were reported', () => {
  const reporter = new Reporter()
  const recording = record<Events>(reporter, ['miss', 'hit'])
  reporter.report('miss', { key: 'a', reason: 'absent' })
  reporter.report('closed', undefined)
  reporter.report('hit', { key: 'a' })
  expect(recording.events).toEqual([
    { event: 'miss', detail: { key: 'a', reason: 'absent' } },
    { event: 'hit', detail: { key: 'a' } },
  ])
  expect(recording.of('hit')).toEqual([{ key: 'a' }])
})

test('take returns the events of one act and begins the next', () => {
  const reporter = new Reporter()
  const recording = record<Events>(reporter, ['miss', 'hit'])
  reporter.report('hit', { key: 'a' })
  expect(recording.take()).toEqual(['hit'])
  reporter.report('hit', { key: 'b' })
  recording.stop()
  reporter.report('hit', { key: 'c' })
  expect(recording.names()).toEqual(['hit'])
})

test('a deferred settles when it is resolved or rejected, and its rejection is not unhandled', async () => {
  const loaded = deferred<number>()
  loaded.resolve(1)
  await expect(loaded.promise).resolves.toBe(1)
  const failed = deferred()
  failed.reject(new Error('database down'))
  await settle() // With --unhandled-rejections=strict the run would end here.
  await expect(failed.promise).rejects.toThrow('database down')
})
