// One run of a handler for many requests, and its response while it streams.
import { deferred } from 'tiercache/testing'
import { expect } from 'vitest'
import { nextPart } from './client.js'
import { counting, type HttpCase, Site, statusOf } from './site.js'

const FRESH = { 'cache-control': 'max-age=60' }

/** A body of these parts that waits for `gate` before the last one. */
async function* gated(parts: readonly string[], gate: Promise<void>) {
  yield* parts.slice(0, -1)
  await gate
  yield parts.at(-1) ?? ''
}

export const sharingCases: readonly HttpCase[] = [
  {
    name: 'ten requests at once are one run of the handler',
    async run(adapter) {
      const gate = deferred<void>()
      const handle = async () => {
        await gate.promise
        return { headers: FRESH, body: 'shared' }
      }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      const all = Array.from({ length: 10 }, () => site.get('/a'))
      await site.settleTurns(20)
      gate.resolve()
      const got = await Promise.all(all)
      expect(new Set(got.map(({ body }) => body))).toEqual(new Set(['shared']))
      expect(got.filter((one) => statusOf(one).includes('collapsed'))).toHaveLength(9)
      expect(site.runs('/a')).toBe(1)
    },
  },
  {
    name: 'when a response cannot be stored, those who waited for it run side by side, not one after the other',
    async run(adapter) {
      const first = deferred<void>()
      const together = deferred<void>()
      let inside = 0
      const handle = async (_: unknown, run: number) => {
        if (run === 1) await first.promise
        else if (++inside === 9) together.resolve()
        // A queue would never bring all nine here at once.
        if (run > 1) await together.promise
        return { headers: { ...FRESH, 'set-cookie': 'a=b' }, body: `run ${run}` }
      }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      const all = Array.from({ length: 10 }, () => site.get('/a'))
      await site.settleTurns(20)
      first.resolve()
      const bodies = (await Promise.all(all)).map(({ body }) => body)
      expect(new Set(bodies).size).toBe(10)
      expect((await site.get('/a')).headers['cache-status']).toBe('tiercache;fwd=miss;detail=set-cookie')
    },
  },
  {
    name: 'the first client leaves while others wait: its handler goes on, and they get its response',
    async run(adapter) {
      for (const leavesAfter of ['nothing', 'a part']) {
        const gate = deferred<void>()
        const started = deferred<void>()
        const handle = async () => {
          started.resolve()
          if (leavesAfter === 'nothing') await gate.promise
          return { headers: FRESH, body: gated(['one ', 'two ', 'three'], gate.promise) }
        }
        await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
        const controller = new AbortController()
        const leader = fetch(site.urlOf('/a'), { signal: controller.signal }).then((response) =>
          response.body?.getReader().read(),
        )
        if (leavesAfter === 'a part') await leader
        await started.promise
        const waiting = site.get('/a')
        await site.settleTurns(20)
        controller.abort()
        await leader.catch(() => undefined)
        await site.settleTurns(20)
        gate.resolve()
        expect((await waiting).body).toBe('one two three')
        expect(site.runs('/a')).toBe(1)
      }
    },
  },
  {
    name: 'below minUses a response is not stored',
    async run(adapter) {
      await using site = await Site.open(adapter, {
        http: { minUses: 3 },
        routes: [{ path: '/a', handle: counting(FRESH) }],
      })
      for (let run = 1; run <= 3; run++) {
        expect((await site.get('/a')).body).toBe(`run ${run}`)
        await site.settle()
      }
      expect((await site.get('/a')).body).toBe('run 3')
    },
  },
  {
    name: 'a streaming response is sent on as it comes, and stored at its end',
    async run(adapter) {
      const gate = deferred<void>()
      const handle = () => ({ headers: FRESH, body: gated(['first', 'last'], gate.promise) })
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      const response = await site.open('/a')
      // The handler has not come to its end: it waits for the gate.
      expect(await nextPart(response)).toBe('first')
      gate.resolve()
      expect(await nextPart(response)).toBe('last')
      response.resume()
      await site.settle()
      const stored = await site.get('/a')
      expect([stored.body, stored.headers['content-length'], site.runs('/a')]).toEqual(['firstlast', '9', 1])
    },
  },
  {
    name: 'a response that breaks off after any of its parts is never stored',
    async run(adapter) {
      for (let cut = 0; cut <= 3; cut++) {
        async function* broken(run: number) {
          for (let part = 0; part < 3; part++) {
            if (run === 1 && part === cut) throw new Error('broke off')
            yield `part ${part} `
          }
          if (run === 1) throw new Error('broke off')
        }
        const handle = (_: unknown, run: number) => ({ headers: FRESH, body: broken(run) })
        await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
        const first = await site.get('/a').catch(() => undefined)
        // Before its first part a framework may still make an error of it.
        expect(first?.isWhole === true && first.status === 200).toBe(false)
        await site.pass(2000)
        expect((await site.get('/a')).body).toBe('part 0 part 1 part 2 ')
        expect(site.runs('/a')).toBe(2)
      }
    },
  },
  {
    name: 'a body that does not have its Content-Length is never stored',
    async run(adapter) {
      async function* parts() {
        yield 'short'
      }
      const routes = [
        { path: '/whole', handle: () => ({ headers: { ...FRESH, 'content-length': '50' }, body: 'short' }) },
        { path: '/parts', handle: () => ({ headers: { ...FRESH, 'content-length': '50' }, body: parts() }) },
      ]
      await using site = await Site.open(adapter, { routes })
      for (const { path } of routes) {
        const response = site.get(path)
        await site.waitForRuns(path, 1)
        await site.pass(2000)
        void response.catch(() => undefined)
        expect((await site.send('HEAD', path)).headers['cache-status']).not.toContain('hit')
      }
    },
  },
  {
    name: 'above maxBody a response is sent on whole and not stored',
    async run(adapter) {
      async function* parts() {
        for (let i = 0; i < 10; i++) yield 'x'.repeat(20)
      }
      const routes = [
        { path: '/parts', handle: () => ({ headers: FRESH, body: parts() }) },
        { path: '/whole', handle: () => ({ headers: FRESH, body: 'x'.repeat(200) }) },
        { path: '/fits', handle: () => ({ headers: FRESH, body: 'x'.repeat(100) }) },
      ]
      await using site = await Site.open(adapter, { http: { maxBody: 100 }, routes })
      for (const { path } of routes) {
        for (let i = 0; i < 2; i++) {
          expect((await site.get(path)).body.length).toBe(path === '/fits' ? 100 : 200)
          await site.pass(2000)
        }
      }
      expect(routes.map(({ path }) => site.runs(path))).toEqual([2, 2, 1])
    },
  },
  {
    name: 'a client that does not read slows the handler down',
    async run(adapter) {
      let made = 0
      async function* endless() {
        for (; made < 2000; made++) yield Buffer.alloc(64 * 1024)
      }
      const handle = () => ({ headers: FRESH, body: endless() })
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      const response = await site.open('/a')
      await nextPart(response)
      let before = -1
      while (before !== made) {
        before = made
        await site.settleTurns(50)
      }
      // 125 MB in all. What is on its way fits into the buffers of two sockets.
      expect(made).toBeLessThan(1000)
      response.destroy()
    },
  },
  {
    name: 'a stream of events passes at once and is never stored, and its handler learns that the client has left',
    async run(adapter) {
      const ended = deferred<void>()
      const gate = deferred<void>()
      async function* events() {
        try {
          yield 'data: 1\n\n'
          await gate.promise
          for (;;) {
            yield 'data: 2\n\n'
            await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          ended.resolve()
        }
      }
      const handle = () => ({
        headers: { ...FRESH, 'content-type': 'text/event-stream; charset=utf-8' },
        body: events(),
      })
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      const response = await site.open('/a')
      expect(await nextPart(response)).toBe('data: 1\n\n')
      gate.resolve()
      response.destroy()
      await ended.promise
      const again = await site.open('/a')
      expect(again.headers['cache-status']).not.toContain('hit')
      again.destroy()
    },
  },
]
