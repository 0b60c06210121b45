// Who may see the devtools page, and who may change something through it.
import { describe, expect, test } from 'vitest'
import { Site, type SiteRules } from '../../../src/devtools/http/site.js'
import type { DevtoolsChange, DevtoolsView } from '../../../src/devtools/view/view.js'
import { asked, fromPage, opened, type Request, textOf } from './site.js'

const TOKEN = 'a-token-of-enough-characters'
const CHANGE = { verb: 'delete', scope: 'shop', names: ['k'] }

function open(rules: Partial<SiteRules> = {}) {
  const changes: DevtoolsChange[] = []
  const view: DevtoolsView = {
    path: 'shop',
    watch: () => () => undefined,
    snapshot: () => ({ atMs: 0, events: [] }),
    report: async () => undefined,
    change: async (change) => {
      changes.push(change)
      return 'applied'
    },
  }
  const site = new Site(view, { token: undefined, allowChanges: false, showValues: false, ...rules })
  return { changes, ask: (request: Request = {}) => site.reply(asked(request)) }
}

const statusOf = async (reply: Promise<{ readonly status: number }>) => (await reply).status

describe('without a token', () => {
  const { ask } = open()

  test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])('a client at %s is served', async (from) => {
    expect(await statusOf(ask({ from }))).toBe(200)
  })

  test.each(['10.0.0.7', '::ffff:10.0.0.7', 'fe80::1', '1.127.0.0', '', undefined])(
    'a client at %s is refused',
    async (from) => {
      const reply = await ask({ from })
      expect(reply.status).toBe(403)
      expect(textOf(reply)).toMatch(/option token/)
    },
  )

  test.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'x-forwarded-host'])(
    'a request with the header %s came through a proxy, and is refused',
    async (name) => {
      expect(await statusOf(ask({ headers: { [name]: '127.0.0.1' } }))).toBe(403)
    },
  )

  test.each(['localhost', 'localhost:3000', '127.0.0.1:80', '[::1]:3000', 'app.localhost:3000', 'LOCALHOST'])(
    'the host %s is a local one',
    async (host) => expect(await statusOf(ask({ headers: { host } }))).toBe(200),
  )

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:3000', '10.0.0.1', ''])(
    'the host %s may be one that resolves to this machine by DNS rebinding, and is refused',
    async (host) => expect(await statusOf(ask({ headers: { host } }))).toBe(403),
  )

  test('nothing is shown to another client, whatever it asks for', async () => {
    for (const path of ['', 'page.js', 'live', 'about', 'devtools', 'no-such-page']) {
      expect(await statusOf(ask({ path: `/devtools/${path}`, from: '10.0.0.7' }))).toBe(403)
    }
    expect(await statusOf(ask({ ...fromPage('report', { scope: 'shop', key: 'k' }), from: '10.0.0.7' }))).toBe(403)
  })

  test('pages of other sites get nothing, but may link here', async () => {
    const cross = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
    expect(await statusOf(ask({ path: '/devtools/live', headers: cross }))).toBe(403)
    expect(
      await statusOf(ask({ path: '/devtools/page.js', headers: { ...cross, 'sec-fetch-site': 'same-site' } })),
    ).toBe(403)
    expect(await statusOf(ask({ headers: { ...cross, 'sec-fetch-mode': 'navigate' } }))).toBe(200)
    expect(await statusOf(ask({ method: 'POST', headers: { ...cross, 'sec-fetch-mode': 'navigate' } }))).toBe(403)
  })
})

describe('with a token', () => {
  const { ask } = open({ token: TOKEN })
  const far = { from: '10.0.0.7', headers: { host: 'shop.example' } } as const
  const withHeader = (name: string, value: string) => ({ ...far, headers: { ...far.headers, [name]: value } })

  test('a client elsewhere gets a form until it has given the token, and then a cookie', async () => {
    const first = await ask(far)
    expect(first.status).toBe(401)
    expect(textOf(first)).toContain('type="password"')
    const wrong = await ask({
      ...far,
      method: 'POST',
      path: '/devtools/login',
      fields: { token: 'another-token-of-16' },
    })
    expect(wrong).toMatchObject({
      status: 401,
      headers: expect.not.objectContaining({ 'set-cookie': expect.anything() }),
    })
    const right = await ask({ ...far, method: 'POST', path: '/devtools/login', fields: { token: TOKEN } })
    expect(right).toMatchObject({ status: 303, headers: { location: './' } })
    const cookie = right.headers['set-cookie'] as string
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/)
    expect(cookie).not.toContain(TOKEN)
    const inBrowser = `theme=dark; ${cookie.split(';')[0]}`
    expect(await statusOf(ask(withHeader('cookie', inBrowser)))).toBe(200)
    expect(await statusOf(ask({ ...withHeader('cookie', inBrowser), path: '/devtools/about' }))).toBe(200)
  })

  test('a program gives it as a bearer', async () => {
    expect(await statusOf(ask({ ...withHeader('authorization', `Bearer ${TOKEN}`), path: '/devtools/about' }))).toBe(
      200,
    )
    expect(await statusOf(ask({ ...withHeader('authorization', `Bearer ${TOKEN}x`), path: '/devtools/about' }))).toBe(
      401,
    )
    expect(
      await statusOf(ask({ ...withHeader('cookie', `tiercache-devtools=${TOKEN}`), path: '/devtools/about' })),
    ).toBe(401)
  })

  test('this machine has to give it, too', async () => {
    expect(await statusOf(ask({ path: '/devtools/live' }))).toBe(401)
    expect(await statusOf(ask(fromPage('report', { scope: 'shop', key: 'k' })))).toBe(401)
  })
})

describe('a change', () => {
  test('is refused unless changes are allowed', async () => {
    const { ask, changes } = open()
    const reply = await ask(fromPage('change', CHANGE))
    expect(reply.status).toBe(403)
    expect(textOf(reply)).toMatch(/read-only/)
    expect(changes).toEqual([])
  })

  test('is made for the page itself, if they are', async () => {
    const { ask, changes } = open({ allowChanges: true })
    const reply = await ask(fromPage('change', CHANGE))
    expect(JSON.parse(textOf(reply))).toEqual({ result: 'applied' })
    expect(changes).toEqual([CHANGE])
  })

  test.each([
    ['has not the header of the page', { 'x-tiercache-devtools': undefined }],
    ['has the origin of another site', { origin: 'https://evil.example', 'sec-fetch-site': undefined }],
    ['has the origin of another port', { origin: 'http://localhost:4000', 'sec-fetch-site': undefined }],
    ['has an origin that is none', { origin: 'null', 'sec-fetch-site': undefined }],
    ['is sent by another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
  ])('is refused if it %s', async (_, headers) => {
    const { ask, changes } = open({ allowChanges: true })
    expect(await statusOf(ask(fromPage('change', CHANGE, headers)))).toBe(403)
    expect(changes).toEqual([])
  })

  test.each([
    undefined,
    {},
    { ...CHANGE, verb: 'close' },
    { ...CHANGE, verb: 'constructor' },
    { ...CHANGE, names: 'k' },
    { ...CHANGE, names: [1] },
    { ...CHANGE, names: [] },
    { ...CHANGE, scope: undefined },
  ])('is refused if it is %j', async (fields) => {
    const { ask, changes } = open({ allowChanges: true })
    expect(await statusOf(ask(fromPage('change', fields as never)))).toBe(400)
    expect(changes).toEqual([])
  })

  test('is never made by GET', async () => {
    const { ask, changes } = open({ allowChanges: true })
    expect(await statusOf(ask({ path: '/devtools/change?verb=clear', isMountPath: false }))).toBe(404)
    expect(await statusOf(ask({ method: 'PUT', path: '/devtools/change' }))).toBe(405)
    expect(changes).toEqual([])
  })
})

describe('every reply', () => {
  const { ask } = open()

  test('forbids inline scripts and styles, foreign sources, frames and caching', async () => {
    for (const request of [{}, { path: '/devtools/page.js' }, { from: '10.0.0.7' }, { path: '/devtools/live' }]) {
      const { headers } = await ask(request)
      const policy = headers['content-security-policy'] as string
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).toContain("require-trusted-types-for 'script'")
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store, no-transform' })
    }
  })

  test('has no inline script or style in its HTML', async () => {
    const html = textOf(await ask())
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/)
    for (const [, file] of html.matchAll(/(?:src|href)="([^"#]+)"/g)) {
      expect(await statusOf(ask({ path: `/devtools/${file}` })), file).toBe(200)
    }
  })
})

describe('the path', () => {
  const { ask } = open()

  test('may be any: what counts is its last part', async () => {
    for (const path of ['/', '/devtools/', '/a/b/c/'])
      expect((await ask({ path })).headers['content-type']).toMatch(/html/)
    expect((await ask({ path: '/a/b/page.css' })).headers['content-type']).toMatch(/css/)
  })

  test('of the handler itself is completed with a slash, and stays a path', async () => {
    expect(await ask({ path: '/a/devtools', isMountPath: true })).toMatchObject({
      status: 303,
      headers: { location: './devtools/' },
    })
    const strange = await ask({ path: '/javascript:alert(1)', isMountPath: true })
    expect(strange.headers.location).toBe('./javascript:alert(1)/')
  })

  test('that is unknown, or a name of every object, is not found', async () => {
    for (const path of ['/devtools/x', '/devtools/constructor', '/devtools/__proto__', '/devtools/page.html']) {
      expect(await statusOf(ask({ path })), path).toBe(404)
    }
  })
})

test('at most 16 pages can be open at once', async () => {
  const { ask } = open()
  const pages = []
  for (let i = 0; i < 16; i++) pages.push(opened(await ask({ path: '/devtools/live' })))
  expect(await statusOf(ask({ path: '/devtools/live' }))).toBe(503)
  pages.pop()?.leave()
  const last = opened(await ask({ path: '/devtools/live' }))
  for (const { leave } of [...pages, last]) leave()
})
