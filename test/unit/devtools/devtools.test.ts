// `devtools(cache)`: its options, and the handler for servers of the Fetch API.
import { devtools, devtoolsOf } from 'tiercache/devtools'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()
const TOKEN = 'a-token-of-enough-characters'

describe('the arguments', () => {
  test('must be a cache and known options', () => {
    const { cache } = l1Only()
    expect(() => devtools({} as never)).toThrow(/the first argument must be a cache/)
    expect(() => devtoolsOf({} as never)).toThrow(/the first argument must be a view of a cache/)
    expect(() => devtools(cache, { allowchanges: true } as never)).toThrow(/Did you mean allowChanges\?/)
    expect(() => devtools(cache, { allowChanges: 'yes' } as never)).toThrow(/allowChanges must be true or false/)
    expect(() => devtools(cache, { showValues: 1 } as never)).toThrow(/showValues must be true or false/)
    expect(() => devtools(cache, { token: 1 } as never)).toThrow(/token must be a string/)
  })

  test('refuse a token that can be guessed, without showing it', () => {
    const { cache } = l1Only()
    expect(() => devtools(cache, { token: 'hunter2' })).toThrow(/at least 16 characters.*got 7/)
    expect(() => devtools(cache, { token: 'hunter2' })).not.toThrow(/hunter2/)
    expect(() => devtools(cache, { token: '' })).toThrow(/at least 16 characters/)
  })
})

describe('the handler for the Fetch API', () => {
  const url = 'https://shop.example/devtools/'
  const authorization = `Bearer ${TOKEN}`

  test('needs a token, since it does not know who asks', async () => {
    const { cache } = l1Only()
    expect((await devtools(cache).fetch(new Request('http://localhost/devtools/'))).status).toBe(403)
    expect((await devtools(cache, { token: TOKEN }).fetch(new Request(url))).status).toBe(401)
    const response = await devtools(cache, { token: TOKEN }).fetch(new Request(url, { headers: { authorization } }))
    expect(response.status).toBe(200)
    expect(await response.text()).toMatch(/^<!doctype html>/i)
  })

  test('streams snapshots until the client leaves', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const { fetch } = devtools(cache, { token: TOKEN })
    const response = await fetch(new Request(`${url}live`, { headers: { authorization } }))
    expect(response.headers.get('content-type')).toMatch(/text\/event-stream/)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toMatch(/^event: snapshot\ndata: \{/)
    await reader.cancel()
  })

  test('ends its stream with close()', async () => {
    const { cache } = l1Only()
    const handler = devtools(cache, { token: TOKEN })
    const response = await handler.fetch(new Request(`${url}live`, { headers: { authorization } }))
    handler.close()
    expect(await response.text()).toBe('')
  })

  test('takes a login as a form, and changes as JSON', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.set('k', 1)
    const { fetch } = devtools(cache, { token: TOKEN, allowChanges: true })
    const login = await fetch(
      new Request(`${url}login`, { method: 'POST', body: new URLSearchParams({ token: TOKEN }) }),
    )
    expect(login.status).toBe(303)
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] as string
    const change = (body: string) =>
      fetch(new Request(`${url}change`, { method: 'POST', headers: { cookie, 'x-tiercache-devtools': 'test' }, body }))
    expect(await (await change('{"verb":"delete","scope":"shop","names":["k"]}')).json()).toEqual({ result: 'applied' })
    expect(cache.peek('k')).toBeUndefined()
    expect((await change('no json')).status).toBe(400)
    expect((await change(`{"verb":"delete","scope":"shop","names":["${'x'.repeat(70_000)}"]}`)).status).toBe(400)
    expect((await change(`{"verb":"invalidateTags","scope":"shop","names":["${'x'.repeat(2_000)}"]}`)).status).toBe(400)
    expect((await change('{"verb":"delete","scope":"elsewhere","names":["k"]}')).status).toBe(404)
  })
})
