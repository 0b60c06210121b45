// The site: which path is which reply. Paths are told apart by their last part, so it can be mounted anywhere.
import { CacheError } from '../../model/errors.js'
import type { DevtoolsChange, DevtoolsView } from '../view/view.js'
import { cookieFor, isToken, refuseForeignPost, refuseReader } from './access.js'
import { ASSETS, type Asset } from './assets.js'
import { type Asked, type Fields, jsonReply, type Reply, redirect, refusal, reply } from './exchange.js'
import { Feed, MAX_PAGES } from './feed.js'

export interface SiteRules {
  readonly token: string | undefined
  readonly allowChanges: boolean
  readonly showValues: boolean
}

const VERBS: readonly unknown[] = ['delete', 'expire', 'invalidateTags', 'expireTags', 'clear']

export class Site {
  readonly #view: DevtoolsView
  readonly #rules: SiteRules
  readonly #feed: Feed

  constructor(view: DevtoolsView, rules: SiteRules) {
    this.#view = view
    this.#rules = rules
    this.#feed = new Feed(view)
  }

  close(): void {
    this.#feed.close()
  }

  /** Never rejects. */
  async reply(asked: Asked): Promise<Reply> {
    try {
      return await this.#route(asked)
    } catch (error) {
      if (!(error instanceof CacheError)) return refusal(500, 'The page could not be made.')
      return refusal(error.code === 'INVALID_KEY' || error.code === 'INVALID_OPTION' ? 400 : 503, error.message)
    }
  }

  #route(asked: Asked): Reply | Promise<Reply> {
    const last = asked.url.pathname.split('/').at(-1) as string
    if (asked.method === 'POST' && last === 'login') return this.#logIn(asked)
    const refused = refuseReader(asked, this.#rules.token)
    if (refused === 'login') return this.#askForToken(asked, last)
    if (refused !== undefined) return refused
    if (asked.method === 'POST') return refuseForeignPost(asked) ?? this.#post(asked, last)
    if (asked.method !== 'GET') return refusal(405, 'Only GET and POST are known.', { allow: 'GET, POST' })
    return this.#get(asked, last)
  }

  #get(asked: Asked, last: string): Reply {
    if (last === '') return assetReply(ASSETS['page.html'] as Asset)
    if (last === 'about') return jsonReply(200, this.#about())
    if (last === 'live') {
      if (this.#feed.isFull) return refusal(503, `At most ${MAX_PAGES} pages can be open at once.`)
      return reply(200, 'text/event-stream', this.#feed.open)
    }
    const asset = Object.hasOwn(ASSETS, last) ? ASSETS[last] : undefined
    if (asset !== undefined && asset.type !== 'text/html') return assetReply(asset)
    return asked.isMountPath ? withSlash(last) : refusal(404, 'There is no such page.')
  }

  #about() {
    const { path, note } = this.#view
    const { allowChanges, showValues } = this.#rules
    return { path, note, allowChanges, showValues }
  }

  async #post(asked: Asked, last: string): Promise<Reply> {
    const fields = await asked.fields()
    if (last === 'report') return this.#report(fields)
    if (last !== 'change') return refusal(404, 'There is no such page.')
    if (!this.#rules.allowChanges) return refusal(403, 'The page is read-only: allowChanges is not set.')
    const change = changeIn(fields)
    if (change === undefined) return refusal(400, 'A change needs verb, scope and names.')
    const result = await this.#view.change(change)
    return result === undefined ? refusal(404, 'The cache has no such scope.') : jsonReply(200, { result })
  }

  async #report(fields: Fields | undefined): Promise<Reply> {
    const { scope, key } = fields ?? {}
    if (typeof scope !== 'string' || typeof key !== 'string') return refusal(400, 'A report needs scope and key.')
    const report = await this.#view.report(scope, key)
    return report === undefined ? refusal(404, 'The cache has no such scope.') : jsonReply(200, report)
  }

  /** A form of another site may send it: that gives the site nothing, and the browser no more than it asked for. */
  async #logIn(asked: Asked): Promise<Reply> {
    const { token } = this.#rules
    if (token === undefined) return refusal(404, 'There is no such page.')
    const given = (await asked.fields())?.token
    return isToken(given, token) ? redirect('./', { 'set-cookie': cookieFor(token) }) : loginPage()
  }

  #askForToken(asked: Asked, last: string): Reply {
    if (asked.method !== 'GET') return refusal(401, 'The token is missing.')
    if (last === 'page.css') return assetReply(ASSETS[last] as Asset)
    if (last === '') return loginPage()
    return asked.isMountPath ? withSlash(last) : refusal(401, 'The token is missing.')
  }
}

/** The page has relative links, so its path ends with a slash. `./` keeps a strange name from becoming a URL of its own. */
function withSlash(last: string): Reply {
  return redirect(`./${last}/`)
}

function loginPage(): Reply {
  const { type, text } = ASSETS['login.html'] as Asset
  return reply(401, type, text)
}

function assetReply({ type, text }: Asset): Reply {
  return reply(200, type, text)
}

function changeIn(fields: Fields | undefined): DevtoolsChange | undefined {
  const { verb, scope, names } = fields ?? {}
  if (!VERBS.includes(verb) || typeof scope !== 'string' || !Array.isArray(names)) return undefined
  if (!names.every((name) => typeof name === 'string')) return undefined
  if (verb !== 'clear' && names.length === 0) return undefined
  return { verb: verb as DevtoolsChange['verb'], scope, names }
}
