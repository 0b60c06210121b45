// The names that sources, wrapped functions and lists of a cache have taken. Two of them under one name would share entries by mistake.
import { CacheError } from '../../model/errors.js'
import { setImmediate } from '../../model/time/real-timers.js'
import { isEvaluatedAgain, isSameFile, type Origin, presentOrigin } from './origin.js'

/** A source, function or list that takes a name. */
export interface Claim {
  readonly kind: 'source' | 'function' | 'list'
  readonly name: string
  /** The function or definition object that the user passed. */
  readonly owner: object
  /** The source text of everything that decides about keys and values. */
  readonly text: string
  /** The object that was created for it. */
  readonly made?: object
  /** Where it was declared. Default: the place of the call. */
  readonly origin?: Origin | undefined
}

interface Taken extends Claim {
  readonly origin: Origin
  /** Stands for the turn of the event loop in which it was claimed. */
  readonly turn: object
}

/**
 * The names of wrapped functions, sources and lists of one cache, by their scope.
 *
 * A name belongs to the function or definition that took it first, which may take it again. There is one exception: a module that is
 * evaluated again while the cache lives on, by a dev server or in a second bundle, registers the same things with new functions. A second
 * claim counts as that if it comes from top-level code of a module, in a later turn of the event loop, is of the same kind, and has the
 * same text. Outside production the same file is enough, since it may have been edited.
 */
export class NameRegistry {
  readonly #taken = new Map<string, Taken>()
  #turn: object | undefined

  /** Takes the name of `scope`. Throws `INVALID_OPTION` if it belongs to something else. Of several rightful claims the last is remembered. */
  claim(scope: string, claim: Claim): void {
    const now: Taken = { ...claim, origin: claim.origin ?? presentOrigin(), turn: this.#presentTurn() }
    const taken = this.#taken.get(scope)
    if (taken !== undefined && !isSame(taken, now)) throw refusal(scope, taken, now)
    this.#taken.set(scope, now)
  }

  /** The object that was created for the same definition under the same name. */
  madeOf(scope: string, owner: unknown): object | undefined {
    const taken = this.#taken.get(scope)
    return taken?.owner === owner ? taken?.made : undefined
  }

  #presentTurn(): object {
    if (this.#turn === undefined) {
      this.#turn = {}
      setImmediate(() => {
        this.#turn = undefined
      }).unref()
    }
    return this.#turn
  }
}

function isSame(taken: Taken, now: Taken): boolean {
  if (taken.kind !== now.kind) return false
  if (taken.owner === now.owner) return true
  if (taken.turn === now.turn || !isEvaluatedAgain(taken.origin, now.origin)) return false
  return taken.text === now.text || (process.env.NODE_ENV !== 'production' && isSameFile(taken.origin, now.origin))
}

const WHAT = { source: 'the source', function: 'the function', list: 'the list' } as const

function refusal(scope: string, taken: Taken, now: Taken): CacheError {
  const [first, second] = [taken, now].map(({ kind, name, origin: { module } }) => {
    return `${WHAT[kind]} ${name}${module === undefined ? '' : ` (${module})`}`
  })
  return new CacheError(
    'INVALID_OPTION',
    `the name ${scope} already belongs to ${first}, and ${second} would share its entries. ` +
      'Give it another name, and wrap or define once, at module level, not at each call',
  )
}
