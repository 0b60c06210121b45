// Arguments of wrapped functions: which calls have the same key.
import { createCache } from 'tiercache'
import { settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'

function wrapEcho(options = {}) {
  const echo = vi.fn(async (...args: unknown[]) => args)
  return { echo, wrapped: createCache().wrap(echo, { name: 'echo', ...options }) }
}

describe('the key of a wrapped call', () => {
  test('differs for different arguments, even if they look the same as text', async () => {
    const { echo, wrapped } = wrapEcho()
    const calls = [
      ...[[], [1], ['1'], [1n], [true], ['true'], [null], ['null'], [[]], [[undefined]], [{}], [-0], [0], [Number.NaN]],
      ...[['a', 'b'], ['a,b'], [['a', 'b']], [{ a: 1 }], ['(a=1)'], [new Date(0)], [new Date(1)], [new Map([[1, 2]])]],
      ...[[new Set([1, 2])], [new Set([2])], [new Uint8Array([1])], [Buffer.from([1])], ['x\ud800'], ['x\ud801']],
    ]
    for (const args of calls) expect(await wrapped(...args)).toEqual(args)
    expect(echo).toHaveBeenCalledTimes(calls.length)
    expect(new Set(calls.map((args) => wrapped.keyOf(...args))).size).toBe(calls.length)
  })

  test('is not a short hash: calls with equal 32-bit hashes do not share results', async () => {
    const { wrapped } = wrapEcho()
    expect(await wrapped('u1r')).toEqual(['u1r'])
    expect(await wrapped('u30')).toEqual(['u30'])
    const keys = new Set<string>()
    for (let id = 0; id < 50_000; id++) keys.add(wrapped.keyOf(`u${id.toString(36)}`))
    expect(keys.size).toBe(50_000)
  })

  test('does not depend on the order of properties or on undefined at the end', async () => {
    const { echo, wrapped } = wrapEcho()
    await wrapped({ a: 1, b: [2] })
    await wrapped({ b: [2], a: 1 }, undefined)
    expect(echo).toHaveBeenCalledTimes(1)
  })

  test('may be made by the option key', async () => {
    const { echo, wrapped } = wrapEcho({ key: (user: { id: number }) => `u${user.id}`, tiers: 'l1' })
    const user = { id: 1, save: () => undefined }
    await wrapped(user)
    await wrapped({ id: 1, other: true })
    expect(echo).toHaveBeenCalledTimes(1)
    expect(wrapped.keyOf(user)).toBe('u1')
  })

  test('is refused for arguments that have no clear key, and the message says what to do', async () => {
    const { echo, wrapped } = wrapEcho()
    await expect(wrapped(() => 1)).rejects.toThrow(/option `key`/)
    await expect(wrapped(new (class Money {})())).rejects.toMatchObject({ code: 'INVALID_KEY' })
    expect(() => wrapped.keyOf(Symbol('s'))).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
    expect(echo).not.toHaveBeenCalled()
  })

  test('contains what `per` makes of `this`', async () => {
    let runs = 0
    async function findOf(this: { tenant: string }, id: number) {
      runs++
      return `${this.tenant} ${id}`
    }
    const find = createCache().wrap(findOf, { per: (self) => self.tenant })
    const a = { tenant: 'a', find }
    const b = { tenant: 'b', find }
    expect([await a.find(1), await b.find(1), await a.find(1)]).toEqual(['a 1', 'b 1', 'a 1'])
    expect(runs).toBe(2)
    expect(find.keyOf.call(a as never, 1)).not.toBe(find.keyOf.call(b as never, 1))
    expect(() => find.keyOf(1)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('keeps per and the option key apart', () => {
    const run = async (id: string) => id
    const find = createCache().wrap(run, { name: 'find', per: (self) => self, key: (id) => id })
    expect(find.keyOf.call('a,b' as never, 'c')).not.toBe(find.keyOf.call('a' as never, 'b,c'))
  })
})

describe('a signal among the arguments of a wrapped call', () => {
  test('is not part of the key, alone or in an object', async () => {
    const { echo, wrapped } = wrapEcho({ tiers: 'l1' })
    const { signal } = new AbortController()
    expect(wrapped.keyOf('A', signal)).toBe(wrapped.keyOf('A'))
    expect(wrapped.keyOf('A', { signal })).toBe(wrapped.keyOf('A'))
    expect(wrapped.keyOf('A', { signal, limit: 1 })).toBe(wrapped.keyOf('A', { limit: 1 }))
    expect(wrapped.keyOf(signal, 'A')).toBe(wrapped.keyOf(undefined, 'A'))
    await wrapped('A', { signal })
    await wrapped('A')
    expect(echo).toHaveBeenCalledTimes(1)
  })

  test('lets its caller leave while the run goes on for the others', async () => {
    let finish: (value: string) => void = () => undefined
    const seen: (AbortSignal | undefined)[] = []
    const fetchQuote = vi.fn((_symbol: string, options?: { signal?: AbortSignal }) => {
      seen.push(options?.signal)
      return new Promise<string>((resolve) => {
        finish = resolve
      })
    })
    const quote = createCache().wrap(fetchQuote, { name: 'quote' })
    const leaving = new AbortController()
    const staying = new AbortController()
    const first = quote('A', { signal: leaving.signal })
    const second = quote('A', { signal: staying.signal })
    await settle()
    leaving.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    expect(seen[0]?.aborted).toBe(false)
    finish('v')
    expect(await second).toBe('v')
    expect(fetchQuote).toHaveBeenCalledTimes(1)
  })

  test('reaches the function as a signal that aborts when the last caller has left', async () => {
    const seen: AbortSignal[] = []
    const quote = createCache().wrap(
      (_symbol: string, signal: AbortSignal) => {
        seen.push(signal)
        return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
      { name: 'quote' },
    )
    const controllers = [new AbortController(), new AbortController()]
    const calls = controllers.map(({ signal }) => quote('A', signal))
    const settled = Promise.allSettled(calls)
    await settle()
    controllers[0]?.abort()
    await settle()
    expect(seen.map(({ aborted }) => aborted)).toEqual([false])
    controllers[1]?.abort()
    await settled
    expect(seen.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('is not changed in the caller’s object', async () => {
    const { wrapped } = wrapEcho()
    const options = Object.freeze({ signal: new AbortController().signal, limit: 1 })
    await wrapped('A', options)
    expect(Object.keys(options)).toEqual(['signal', 'limit'])
  })

  test('is refused if there are two, instead of ignored', async () => {
    const { wrapped } = wrapEcho()
    const { signal } = new AbortController()
    await expect(wrapped(signal, signal)).rejects.toMatchObject({ code: 'INVALID_KEY' })
  })
})
