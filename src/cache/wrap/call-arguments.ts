// The arguments of a wrapped function's call: whose signal is among them, and what is left of them to make the key of.
import { isPlainObject } from '../../model/values/plain-object.js'

/** A call's arguments with the caller's signal taken out. */
export interface SignalledCall {
  readonly signal: AbortSignal
  /** What the key is made of. */
  readonly rest: readonly unknown[]
  /** The arguments with another signal in the place of the caller's. */
  withSignal(signal: AbortSignal): readonly unknown[]
}

/**
 * Takes the caller's signal out, if there is one: an argument that is an AbortSignal, or the property `signal` of an argument that
 * is a plain object, as in `fetchQuote('AAPL', { signal })`. It says how long this caller waits, not what it asks for. An object
 * that held nothing else counts as `undefined`. Only the first is taken; a second one is refused where the key is made.
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
