// Which names of a cache are taken by what: two things under one name would share entries without knowing of each other.
import { CacheError } from '../../model/errors.js'
import { setImmediate } from '../../model/time/real-timers.js'
import { isEvaluatedAgain, isSameFile, type Origin, presentOrigin } from './origin.js'

/** What takes a name. */
export interface Claim {
  readonly kind: 'source' | 'function' | 'list'
  readonly name: string
  /** The very function or definition that was given. */
  readonly owner: object
  /** The text of all that decides about keys and values. */
  readonly text: string
  /** What was made of it. */
  readonly made?: object
  /** Where it was declared. Default: where the claim is made. */
  readonly origin?: Origin | undefined
}

interface Taken extends Claim {
  readonly origin: Origin
  /** The turn of the event loop in which it was claimed. */
  readonly turn: object
}

/**
 * Names of wrapped functions, sources and lists of one cache, by their scope.
 *
 * A name belongs to what took it first: the same function or definition may take it again, nothing else. The exception are modules
 * that are evaluated again while the cache lives on, by a dev server or from a second bundle: their functions are new, and what they
 * register is what it was. It is taken for that if it comes from a module's own code, in a later turn of the event loop, is of the same
 * kind, and has the same text; or, outside production, if it comes from the same file, which was edited then.
 */
export class NameRegistry {
  readonly #taken = new Map<string, Taken>()
  #turn: object | undefined

  /** Takes `scope`, or throws `INVALID_OPTION` if it is somebody else's. Of those that may share it the last is remembered. */
  claim(scope: string, claim: Claim): void {
    const now: Taken = { ...claim, origin: claim.origin ?? presentOrigin(), turn: this.#presentTurn() }
    const taken = this.#taken.get(scope)
    if (taken !== undefined && !isSame(taken, now)) throw refusal(scope, taken, now)
    this.#taken.set(scope, now)
  }

  /** What was made of the same definition under the same name. */
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
    `the name ${scope} belongs to ${first} already, and ${second} would share its entries. ` +
      'Give it another name; make what you wrap or define once, where a module is loaded, and not at each call',
  )
}
