// Labels of a value that were not known before its load: from a tags function, from `ctx.tags()`, from callers that joined, or from the
// stale value that is renewed.
import { decodeAnnouncement } from '../../codec/announcement.js'
import type { AtMs } from '../../model/entry.js'
import { tagsFailed } from '../../model/failed-option.js'
import { isTag, type Label, tagLabel } from '../../model/labels.js'
import { MAX_TAGS } from '../../model/limits.js'
import type { Tags } from '../../model/options/options.js'
import type { Bytes, Milliseconds, Token } from '../../model/ports.js'
import type { Core } from '../core.js'
import { tagsFor, tooMany } from '../entries/tags.js'
import type { CarriedLabels } from '../tokens/token-reader.js'
import type { Finished } from './finished.js'

export class LateLabels {
  constructor(private readonly core: Pick<Core, 'clock' | 'recorder' | 'remote' | 'tokenReader' | 'tokens'>) {}

  /** The late labels of a load. `undefined` if they cannot be determined: then no invalidation could reach the value. */
  of(done: Finished): readonly Label[] | undefined {
    const { tags, loaded, flight } = done
    const derived = typeof tags === 'function' ? this.#derivedTags(done, tags) : []
    const joined = derived && this.#joinedTags(done)
    if (derived === undefined || joined === undefined) return undefined
    if (this.#hasTooMany(done, flight.labels)) return undefined
    const renewed = loaded.use === 'renew' ? (flight.usable?.entry.labels.labels ?? []) : []
    if (derived.length + joined.length + loaded.tags.length + renewed.length === 0) return []
    const late = new Set([...derived, ...joined, ...loaded.tags].map(tagLabel))
    // Tags only: scopes follow from the key, and those of the stale value may have another version.
    for (const label of renewed) if (isTag(label)) late.add(label)
    for (const label of flight.labels) late.delete(label)
    return this.#hasTooMany(done, [...flight.labels, ...late]) ? undefined : [...late]
  }

  /** The tokens of late labels if all are known to be older than the load; `undefined` if L2 has to be asked. */
  known(late: readonly Label[], startedAtMs: AtMs, keepMs: Milliseconds): CarriedLabels | undefined {
    const isProven = this.core.remote === undefined || this.#knownBefore(late, startedAtMs).size === late.length
    return isProven ? this.core.tokenReader.carryNow(late, keepMs) : undefined
  }

  /** The same with the help of L2; `undefined` if one of them may have been invalidated since the load began. */
  prove(
    late: readonly Label[],
    { startedAtMs, since }: Pick<Finished, 'startedAtMs' | 'since'>,
    keepMs: Milliseconds,
  ): Promise<CarriedLabels | undefined> {
    return this.core.tokenReader.carryLate(late, keepMs, {
      before: this.#knownBefore(late, startedAtMs),
      since,
      startedAtMs,
      wasInvalidated: (bytes) => concerns(bytes, late),
    })
  }

  /** If the token of a label was confirmed before the load began, it does not matter that the label was named later. */
  #knownBefore(labels: readonly Label[], startedAtMs: AtMs): ReadonlyMap<Label, Token> {
    const before = new Map<Label, Token>()
    for (const label of labels) {
      const known = this.core.tokens.current(label, this.core.clock.nowMs())
      // Equal instants do not count: their order is unknown.
      if (known?.asOfMs !== undefined && known.asOfMs < startedAtMs) before.set(label, known.token)
    }
    return before
  }

  /** Each part that names tags is within the limit by itself; together they may exceed it. */
  #hasTooMany({ scope, flight }: Finished, labels: readonly Label[]): boolean {
    if (labels.length <= MAX_TAGS) return false
    const count = labels.filter(isTag).length
    if (count <= MAX_TAGS) return false
    const cause = tooMany(count, 'the options, ctx.tags() and the calls that shared the load')
    this.core.recorder.notUnderstood(scope, flight.localKey, tagsFailed(scope.space.scope, cause))
    return true
  }

  #joinedTags(done: Finished): readonly string[] | undefined {
    const { joinedTags } = done.flight
    if (joinedTags === undefined) return []
    const all = new Set<string>()
    for (const tags of joinedTags) {
      const derived = this.#derivedTags(done, tags)
      if (derived === undefined) return undefined
      for (const tag of derived) all.add(tag)
    }
    return [...all]
  }

  #derivedTags({ loaded, scope, userKey, flight }: Finished, tags: Tags<never>): readonly string[] | undefined {
    try {
      return tagsFor(tags, loaded.value, userKey)
    } catch (error) {
      this.core.recorder.notUnderstood(scope, flight.localKey, tagsFailed(scope.space.scope, error))
      return undefined
    }
  }
}

/** Whether an announcement of the log invalidates one of these labels. One that cannot be read might do so. */
function concerns(bytes: Bytes, labels: readonly Label[]): boolean {
  const announcement = decodeAnnouncement(bytes)
  if (typeof announcement === 'string') return true
  const outdated = new Set(announcement.labels)
  for (const [label] of announcement.expiredLabels) outdated.add(label)
  return labels.some((label) => outdated.has(label))
}
