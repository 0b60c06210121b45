// Who may see the page and who may change something. Pure but for the hash.
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Asked, type Reply, refusal } from './exchange.js'

const COOKIE = 'tiercache-devtools'
/** A page of another origin cannot send it without asking first, which is never allowed. */
const CHANGE_HEADER = 'x-tiercache-devtools'

/** What a proxy adds. Behind one, every client has the address of the proxy, which may be this machine. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/
const LOCAL_HOST = /^(?:localhost|(?:[\w-]+\.)+localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i

/**
 * The refusal for a client that may not see the page; `'login'` if it has to give the token first, and `undefined` if it may.
 *
 * Without a token only this machine may: the client's address is a loopback one, no proxy stands in between, and the page was asked for
 * under a local name. The last one stops DNS rebinding, where a page of another site makes its own name resolve to this machine.
 */
export function refuseReader(asked: Asked, token: string | undefined): Reply | 'login' | undefined {
  if (isForeignSite(asked)) return refusal(403, 'Requests of other sites are refused.')
  if (token !== undefined) return hasToken(asked, token) ? undefined : 'login'
  if (asked.clientAddress === undefined || !LOOPBACK.test(asked.clientAddress)) {
    return refusal(403, 'Only clients on this machine are served. Set the option token to open the page to others.')
  }
  if (FORWARDING.some((name) => asked.header(name) !== undefined)) {
    return refusal(403, 'The request came through a proxy. Set the option token to open the page to its clients.')
  }
  if (!LOCAL_HOST.test(asked.header('host') ?? '')) {
    return refusal(
      403,
      'The page is served under a local name only, such as localhost. Set the option token for others.',
    )
  }
  return undefined
}

/** The refusal for a request that is not from the page itself; `undefined` if it is (protection from CSRF). */
export function refuseForeignPost(asked: Asked): Reply | undefined {
  if (asked.header(CHANGE_HEADER) === undefined) return refusal(403, `The header ${CHANGE_HEADER} is missing.`)
  return isForeignOrigin(asked) ? refusal(403, 'Requests of other sites are refused.') : undefined
}

/** Whether a page of another origin sent it. Browsers say so in `Sec-Fetch-Site`; a link to the page itself is no harm. */
function isForeignSite(asked: Asked): boolean {
  const site = asked.header('sec-fetch-site')
  const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none'
  return isForeign && (asked.header('sec-fetch-mode') !== 'navigate' || asked.method !== 'GET')
}

/** For browsers that do not send `Sec-Fetch-Site`; else a proxy that changes the host would be in the way. */
function isForeignOrigin(asked: Asked): boolean {
  const origin = asked.header('origin')
  if (origin === undefined || asked.header('sec-fetch-site') !== undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== asked.header('host')
}

function hasToken(asked: Asked, token: string): boolean {
  const bearer = /^Bearer (.+)$/i.exec(asked.header('authorization') ?? '')?.[1]
  if (bearer !== undefined) return isToken(bearer, token)
  const pairs = (asked.header('cookie') ?? '').split(/; */)
  return pairs.some((pair) => pair.startsWith(`${COOKIE}=`) && isSame(pair.slice(COOKIE.length + 1), hashOf(token)))
}

/** Compares in constant time. */
export function isToken(given: unknown, token: string): boolean {
  return typeof given === 'string' && isSame(hashOf(given), hashOf(token))
}

/** The cookie of a browser that has given the token. It has a hash of it, not the token itself. */
export function cookieFor(token: string): string {
  return `${COOKIE}=${hashOf(token)}; HttpOnly; SameSite=Strict`
}

function hashOf(token: string): string {
  return createHash('sha256').update(`tiercache devtools ${token}`).digest('hex')
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
