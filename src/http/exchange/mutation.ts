// Requests that change something: what they invalidate, before their response leaves (RFC 9111 §4.4).
import type { Cache } from '../../index.js'
import { fieldOf } from '../rules/fields.js'
import { isNonError } from '../rules/status.js'
import type { HttpRequest, ResponseHead } from '../storage/messages.js'
import { type HttpTags, tagsFor } from '../storage/policy.js'
import { uriTagOf } from '../storage/resource.js'
import { isCacheFault } from './exchanges.js'

/** Options of `invalidates`. */
export interface InvalidatesOptions {
  /** How long nothing that is invalidated is stored: for replicas that lag. Default: that of the HTTP cache. */
  readonly hold?: Parameters<Cache['invalidateTags']>[1] extends { hold?: infer H } | undefined ? H : never
}

/** One mutation on its way. */
export class Mutation<Req = object> {
  readonly #cache: Cache
  readonly #request: HttpRequest
  readonly #tags: { readonly tags: HttpTags<Req>; readonly hold: InvalidatesOptions['hold'] }[] = []
  readonly #hold: InvalidatesOptions['hold']

  constructor(cache: Cache, request: HttpRequest, hold: InvalidatesOptions['hold']) {
    this.#cache = cache
    this.#request = request
    this.#hold = hold
  }

  /** Tags to invalidate beside the URI. A function is called when the handler has responded. */
  add(tags: HttpTags<Req>, { hold = this.#hold }: InvalidatesOptions = {}): void {
    this.#tags.push({ tags, hold })
  }

  /**
   * Invalidates, if the response is no error: the URI of the request, those that `Location` and `Content-Location` name on the same host, and
   * the tags. Resolves when every later read of this process, and of the others once they are told, sees the change. Send the response
   * then: its client reads its own write. Rejects with what a function of tags throws.
   */
  async settle(head: ResponseHead): Promise<void> {
    if (!isNonError(head.status)) return
    const groups = [
      { tags: this.#uris(head), hold: this.#hold },
      ...this.#tags.map(({ tags, hold }) => ({ tags: tagsFor(tags, this.#request.raw as Req), hold })),
    ]
    try {
      await Promise.all(groups.map(({ tags, hold }) => this.#cache.invalidateTags(tags, { hold })))
    } catch (error) {
      // The cache is closed: it serves nothing any more.
      if (!isCacheFault(error)) throw error
    }
  }

  #uris({ headers }: ResponseHead): string[] {
    const { target, headers: requested } = this.#request
    const host = `http://${fieldOf(requested, 'host')}`
    // The client may have sent anything.
    const base = new URL(URL.canParse(host) ? host : 'http://localhost')
    const named = [target, fieldOf(headers, 'location'), fieldOf(headers, 'content-location')]
    const uris = named.flatMap((uri) => (uri === undefined ? [] : pathOnHost(uri, target, base)))
    return [...new Set(uris)].map(uriTagOf)
  }
}

/** The path of a URI reference, if it is on the host of the request: the effect on others is not ours to assume. */
function pathOnHost(uri: string, target: string, base: URL): string[] {
  try {
    const url = new URL(uri, new URL(target, base))
    return url.host === base.host ? [url.pathname] : []
  } catch {
    return []
  }
}
