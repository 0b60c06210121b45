// The arguments of a call of a wrapped function: separates the caller's signal from the arguments that make the key.
import { isPlainObject } from '../../model/values/plain-object.js'

/** The arguments of a call that has a signal among them. */
export interface SignalledCall {
  readonly signal: AbortSignal
  /** The arguments without the signal, which make the key. */
  readonly rest: readonly unknown[]
  /** The arguments with another signal in place of the caller's. */
  withSignal(signal: AbortSignal): readonly unknown[]
}

/**
 * Separates the caller's signal, if there is one: an argument that is an AbortSignal, or the property `signal` of a plain object, as in
 * `fetchQuote('AAPL', { signal })`. It says how long this caller waits, not what it asks for, so it is not part of the key. An object
 * that contains nothing else counts as `undefined`. Only the first signal is taken; a second one is refused when the key is made.
 */
export function takeSignal(args: readonly unknown[]): SignalledCall | undefined {
  for (let i = 0; i < args.length; i++) {
    const argument = args[i]
    if (typeof argument !== 'object' || argument === null) continue
    if (argument instanceof AbortSignal) {
      return { signal: argument, rest: args.with(i, undefined), withSignal: (other) => args.with(i, other) }
    }
    if ('signal' in argument && argument.signal instanceof AbortSignal && isPlainObject(argument)) {
      const { signal, ...others } = argument as { readonly signal: AbortSignal }
      const rest = args.with(i, Object.keys(others).length === 0 ? undefined : others)
      return { signal, rest, withSignal: (other) => args.with(i, { ...others, signal: other }) }
    }
  }
  return undefined
}
