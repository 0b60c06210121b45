// Random requests of two users, who say who they are in every usual way, against handlers that answer with what they were told: nobody may
// ever get what was made for somebody else.
import type { Fields } from 'tiercache/http'
import { mulberry32 } from '../../../support/random.js'
import type { AppAdapter, AppRequest, Reply } from '../app.js'
import { Site } from '../suite/site.js'

/** What came of a run. */
export interface LeakReport {
  readonly requests: number
  /** Answers that the cache gave: without any, the run would prove nothing. */
  readonly hits: number
  /** What was sent and what came, for each answer that was for somebody else. */
  readonly leaks: readonly string[]
}

/** Directives that do not say that a response is for everybody: a handler that says so of one user's data leaks it by itself. */
const CACHE_CONTROL: readonly Fields[] = [
  { 'cache-control': 'max-age=60' },
  { 'cache-control': 'max-age=1, stale-while-revalidate=60, stale-if-error=600' },
  { 'cache-control': 'private, max-age=60' },
  { 'cache-control': 'no-cache', etag: '"fixed"' },
  { 'cache-control': 'max-age=60', vary: 'Accept-Language' },
  { 'cache-control': 'max-age=60', vary: 'Accept-Language, X-Kind', 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' },
  { 'set-cookie': 'session=1' },
  {},
]

const per = ({ headers }: { readonly headers: Fields }) => /u=(\w+)/.exec(String(headers.cookie))?.[1]

/** Sends `requests` random requests, eight at a time. The same seed sends the same ones. */
export async function findLeaks(adapter: AppAdapter, requests: number, seed: number): Promise<LeakReport> {
  const random = mulberry32(seed)
  // Handlers run in any order, so they draw from a series of their own.
  const chance = mulberry32(seed + 1)
  const kinds = [{ ttl: '1m' as const }, { ttl: '1m' as const, query: ['page'] }, { ttl: '1m' as const, per }]
  const routes = kinds.flatMap((route, kind) =>
    CACHE_CONTROL.map((headers, i) => ({ path: `/${kind}/${i}`, route, handle: answering(headers, chance) })),
  )
  const leaks: string[] = []
  let hits = 0
  for (const everywhere of [true, false]) {
    await using site = await Site.open(adapter, { everywhere, http: { ttl: '1m', maxVariants: 4 }, routes })
    for (let sent = 0; sent < requests / 2; sent += 8) {
      const batch = Array.from({ length: 8 }, () =>
        randomRequest(
          random,
          routes.map(({ path }) => path),
        ),
      )
      const answers = await Promise.all(
        batch.map(({ method, target, headers }) => site.send(method, target, { headers })),
      )
      answers.forEach(({ status, body, headers }, i) => {
        const { user, ...request } = batch[i]!
        if (String(headers['cache-status']).includes('hit')) hits++
        // HEAD, 304 and failures have no body of somebody.
        const hasBody = (status === 200 && request.method === 'GET') || status === 206
        if (hasBody && body !== `for ${user}`) leaks.push(`${JSON.stringify(request)} of ${user} got ${status} ${body}`)
      })
      if (random() < 0.2) await site.pass(random() * 3000)
    }
  }
  return { requests, hits, leaks }
}

/** A handler that answers with the name of its user, and sometimes fails. */
function answering(headers: Fields, random: () => number) {
  return ({ headers: asked, url }: AppRequest): Reply => {
    if (random() < 0.05) return { status: 503, body: '' }
    return { headers, body: `for ${userOf(asked, url)}` }
  }
}

function userOf(headers: Fields, url: string): string {
  const said = `${headers.cookie ?? ''} ${headers.authorization ?? ''} ${headers['x-api-key'] ?? ''} ${url}`
  return /(ann|bob)/.exec(said)?.[1] ?? 'nobody'
}

function randomRequest(random: () => number, paths: readonly string[]) {
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T
  const user = pick(['ann', 'bob', 'nobody'])
  const headers: Record<string, string> = {}
  let target = `${pick(paths)}?page=${pick([1, 2])}`
  if (user !== 'nobody') {
    const way = pick(['cookie', 'bearer', 'key', 'token', 'access_token'])
    if (way === 'cookie') headers.cookie = `u=${user}`
    else if (way === 'bearer') headers.authorization = `Bearer ${user}`
    else if (way === 'key') headers['x-api-key'] = user
    else target += `&${way}=${user}`
  }
  if (random() < 0.2) headers['accept-language'] = pick(['de', 'en', 'de, en'])
  if (random() < 0.1) headers['x-kind'] = pick(['a', 'b'])
  if (random() < 0.1) headers['if-none-match'] = '"fixed"'
  if (random() < 0.1) headers['cache-control'] = pick(['no-cache', 'max-age=0', 'max-stale', 'no-store'])
  if (random() < 0.05) headers.range = 'bytes=0-'
  return { method: random() < 0.05 ? 'HEAD' : random() < 0.02 ? 'POST' : 'GET', target, headers, user }
}
