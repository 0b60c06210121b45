// One run of a handler, recorded while its response goes to the client. The adapter drives it; nothing here knows a framework.

import { directivesOf } from '../rules/cache-control.js'
import { isNotModified, notModifiedFields } from '../rules/conditions.js'
import { formatDate } from '../rules/dates.js'
import { isCompressible } from '../rules/encodings.js'
import { type Fields, fieldOf } from '../rules/fields.js'
import { type Life, lifeOf } from '../rules/freshness.js'
import { isServerError } from '../rules/status.js'
import { type NotStored, refusalOf } from '../rules/storable.js'
import { storedFields, updatedFields } from '../rules/stored-fields.js'
import { varyNames } from '../rules/vary.js'
import type { HttpResponse, ResponseHead } from '../storage/messages.js'
import type { Previous, RecordingPlan } from '../storage/plan.js'
import { present, varyByEncoding } from '../storage/present.js'
import type { StoringOutcome } from '../storage/store.js'
import { hashOf, isServableOnError, type StoredResponse } from '../storage/stored.js'
import type { Exchanges } from './exchanges.js'

/** What happens to a response whose first bytes are there and whose end is not. */
export type Begun =
  /** Send this head, and the body as it comes. */
  | { readonly kind: 'forward'; readonly headers: Fields }
  /** Send this instead. The body of the handler goes to the recording only. */
  | { readonly kind: 'instead'; readonly response: HttpResponse }

/**
 * Records one response. The adapter calls `whole` for a response that is complete when its head is due, or `begin`, `chunk` for each part and
 * `end`. It calls `broken` when the handler failed or gave up before the end. Only what `whole` or `end` has seen is stored.
 */
export class Recording {
  #plan: RecordingPlan
  readonly #exchanges: Exchanges
  readonly #tags: Set<string>
  #head: ResponseHead | undefined
  /** The parts so far; `undefined` once the response is not to be stored. */
  #parts: Uint8Array[] | undefined = []
  #bytes = 0
  #isOver = false

  constructor(exchanges: Exchanges, plan: RecordingPlan) {
    this.#exchanges = exchanges
    this.#plan = plan
    this.#tags = new Set(plan.tags)
  }

  /** Whether the response may still be stored: then the handler should go on although its client has left. */
  get isRecording(): boolean {
    return this.#parts !== undefined && !this.#isOver
  }

  /** Whether its response has ended. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The key of the resource. */
  get key(): string {
    return this.#plan.resource.key
  }

  /** The route of the request has options of its own. */
  adopt(policy: RecordingPlan['policy'], tags: readonly string[]): void {
    this.#plan = { ...this.#plan, policy }
    this.tag(tags)
  }

  /** Adds tags to the response. They count if they come before its end. */
  tag(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag)
  }

  /** The response shall not be stored, for a reason that its head does not show. */
  refuse(detail: NotStored): void {
    if (this.#isOver || this.#parts === undefined) return
    this.#parts = undefined
    this.#exchanges.pass(this.#plan, detail)
  }

  /** Takes a complete response. Returns what its client gets. */
  whole(given: ResponseHead, body: Uint8Array): HttpResponse {
    const head = dated(given, this.#exchanges.nowMs())
    if (this.#isOver) return this.#own(head, body, undefined)
    const instead = this.#instead(head)
    if (instead !== undefined) return instead
    const length = fieldOf(head.headers, 'content-length')
    const isWhole = length === undefined || Number(length) === body.length
    const detail = this.#parts === undefined ? 'route' : isWhole ? this.#refusalOf(head, body.length) : 'incomplete'
    if (detail !== undefined) {
      this.refuse(detail)
      this.#isOver = true
      return this.#own(head, body, detail)
    }
    const { headers, ...response } = this.#store(head, body)
    const { age } = head.headers
    const sent = this.#withStatus(age === undefined ? headers : { ...headers, age }, { stored: true })
    return present({ ...response, headers: sent }, this.#plan.request, this.#exchanges.nowMs())
  }

  /** Takes the head of a response whose body comes in parts. */
  begin(given: ResponseHead): Begun {
    const head = dated(given, this.#exchanges.nowMs())
    this.#head = head
    const instead = this.#instead(head)
    if (instead !== undefined) return { kind: 'instead', response: instead }
    const length = Number(fieldOf(head.headers, 'content-length') ?? 0)
    const detail = this.#parts === undefined ? 'route' : this.#refusalOf(head, length)
    if (detail !== undefined) this.refuse(detail)
    const headers = this.#withStatus(head.headers, detail === undefined ? { stored: true } : { detail })
    if (head.status === 200 && isNotModified(this.#plan.request.headers, head.headers, this.#exchanges.nowMs()))
      return { kind: 'instead', response: { status: 304, headers: notModifiedFields(headers), body: undefined } }
    return { kind: 'forward', headers }
  }

  /** Takes a part of the body. */
  chunk(bytes: Uint8Array): void {
    if (this.#parts === undefined || this.#isOver) return
    this.#bytes += bytes.length
    if (this.#bytes > this.#plan.policy.maxBodyBytes) this.refuse('too-large')
    // A copy: handlers reuse their buffers.
    else this.#parts?.push(Uint8Array.prototype.slice.call(bytes))
  }

  /** The body is complete. */
  end(): void {
    const parts = this.#parts
    if (this.#isOver || parts === undefined || this.#head === undefined) return
    const body = Buffer.concat(parts)
    const length = fieldOf(this.#head.headers, 'content-length')
    if (length !== undefined && Number(length) !== body.length) this.refuse('incomplete')
    else this.#store(this.#head, body)
  }

  /** The handler failed, or its response ended before its time. Returns what may be served instead, if nothing has been sent. */
  broken(): HttpResponse | undefined {
    if (this.#isOver) return undefined
    const stale = this.#head === undefined ? this.#staleIfError() : undefined
    if (stale === undefined) this.refuse('incomplete')
    this.#isOver = true
    return stale
  }

  /** What is served in the place of a 304 that confirms the stored response, or of a failure. */
  #instead({ status, headers }: ResponseHead): HttpResponse | undefined {
    const { previous } = this.#plan
    if (previous === undefined || this.#parts === undefined) return undefined
    if (status === 304) return this.#renew(previous, headers)
    return isServerError(status) ? this.#staleIfError(status) : undefined
  }

  /** RFC 9111 §4.3.4. */
  #renew({ response }: Previous, of304: Fields): HttpResponse {
    const { request, policy, fwd } = this.#plan
    const nowMs = this.#exchanges.nowMs()
    const headers = updatedFields(response.headers, of304)
    const cacheControl = fieldOf(of304, 'cache-control') ?? response.cacheControl
    const life = lifeOf(response.status, { ...headers, 'cache-control': cacheControl }, policy.defaults, nowMs)
    const renewed = { ...response, ...life, headers, cacheControl, lifetimeMs: life.lifetimeMs ?? 0, isRetained: false }
    this.#isOver = true
    this.#keep(renewed)
    const status = this.#exchanges.withStatus(headers, { fwd, fwdStatus: 304, stored: true })
    return present({ ...renewed, headers: status }, request, nowMs)
  }

  /** RFC 5861 §4. */
  #staleIfError(fwdStatus?: number): HttpResponse | undefined {
    const { previous, request, slot, fwd } = this.#plan
    if (previous === undefined || !isServableOnError(previous.response, previous.residentMs)) return undefined
    this.#isOver = true
    this.#exchanges.note(this.#plan, () => this.#exchanges.store.retain(slot, previous.response, previous.residentMs))
    return this.#exchanges.presentStale(previous, request, { fwd, fwdStatus, detail: 'stale-if-error' })
  }

  #refusalOf({ status, headers }: ResponseHead, bytes: number): NotStored | undefined {
    const { request, resource, policy } = this.#plan
    const detail = refusalOf(status, headers, request.headers, resource.audience)
    if (detail !== undefined) return detail
    if (bytes > policy.maxBodyBytes) return 'too-large'
    const life = lifeOf(status, headers, policy.defaults, this.#exchanges.nowMs())
    return isWorthKeeping(life, headers) ? undefined : 'no-lifetime'
  }

  #store({ status, headers, outer }: ResponseHead, body: Uint8Array): StoredResponse {
    const { policy } = this.#plan
    const nowMs = this.#exchanges.nowMs()
    const { lifetimeMs = 0, ...life } = lifeOf(status, headers, policy.defaults, nowMs)
    const kept = storedFields(headers)
    const own = Object.fromEntries(Object.entries(kept).filter(([name]) => outer?.has(name) !== true))
    const hash = hashOf(body)
    const isOwnEtag = status === 200 && kept.etag === undefined
    const tagged = isOwnEtag ? { ...own, etag: `"${hash}"` } : own
    const isEncodable = policy.encodings.length > 0 && isCompressible(kept, body.length)
    const response: StoredResponse = {
      ...{ kind: 'response', status, body, hash, isOwnEtag, ...life, lifetimeMs, isRetained: false },
      headers: isEncodable ? varyByEncoding(tagged) : tagged,
      cacheControl: fieldOf(headers, 'cache-control'),
    }
    this.#isOver = true
    this.#keep(response, headers)
    return response
  }

  #keep(response: StoredResponse, headers: Fields = response.headers): void {
    const { found, slot, resource, request, policy } = this.#plan
    const names = selectingNames(headers, policy.encodings.length > 0)
    const { maxVariants } = policy
    const tags = [...this.#tags]
    this.#exchanges.note(
      this.#plan,
      (): Promise<StoringOutcome> =>
        this.#exchanges.store.store({ found, slot, resource, request, response, names, tags, maxVariants }),
    )
  }

  /** The handler's own response, or the 304 that its client asked for: the handler was not told of the condition. */
  #own({ status, headers }: ResponseHead, body: Uint8Array, detail: NotStored | undefined): HttpResponse {
    const { request } = this.#plan
    const own = this.#withStatus(headers, { detail })
    if (status === 200 && isNotModified(request.headers, headers, this.#exchanges.nowMs()))
      return { status: 304, headers: notModifiedFields(own), body: undefined }
    return { status, headers: own, body }
  }

  #withStatus(headers: Fields, more: { stored?: boolean; detail?: NotStored | undefined }): Fields {
    return this.#exchanges.withStatus(headers, { fwd: this.#plan.fwd, ...more })
  }
}

/** Whether a response is fresh for a while, can be validated later, or may cover a failure. */
function isWorthKeeping({ lifetimeMs, initialAgeMs, staleIfErrorMs }: Life, headers: Fields): boolean {
  if (lifetimeMs === undefined) return false
  const isFresh = lifetimeMs > initialAgeMs && !directivesOf(headers).has('no-cache')
  return isFresh || headers.etag !== undefined || headers['last-modified'] !== undefined || staleIfErrorMs > 0
}

/** A response without `Date` is dated when it is received (RFC 9110 §6.6.1). */
function dated(head: ResponseHead, nowMs: number): ResponseHead {
  return head.headers.date === undefined ? { ...head, headers: { ...head.headers, date: formatDate(nowMs) } } : head
}

/**
 * The names by which variants are told apart. Where the cache encodes, the handler did not see `Accept-Encoding`, and what it did not encode
 * does not vary by it. What is encoded varies by it even if nobody says so.
 */
function selectingNames(headers: Fields, encodes: boolean): string[] {
  const names = varyNames(headers)
  const isEncoded = headers['content-encoding'] !== undefined
  if (isEncoded) return names.includes('accept-encoding') ? names : [...names, 'accept-encoding'].sort()
  return encodes ? names.filter((name) => name !== 'accept-encoding') : names
}
