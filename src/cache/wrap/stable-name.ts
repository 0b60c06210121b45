// Names that functions and classes have of their own, judged by whether the next build will give the same ones.
import { isName } from '../../model/keys/key.js'

/** Names of functions that nobody has named. */
const NO_NAMES = ['', 'anonymous', 'default']
/** Minifiers give these to what a bundle holds first, most used names first. */
const SHORT_NAME = 2
/** A bundle of some thousand names needs these too; people use them as well, in code that is not minified. */
const SHORTISH_NAME = 3

/**
 * Why the own name of a function or class cannot name entries, as the end of a sentence; `undefined` if it can. `source` is its text:
 * minified code has no space before a brace nor after an arrow.
 */
export function whyUnstable(name: string, source: string): string | undefined {
  if (NO_NAMES.includes(name)) return 'it has no name of its own'
  if (name.startsWith('bound '))
    return 'it is a bound function, and all bound functions of one name would share entries'
  if (!isName(name)) return `its own name ${JSON.stringify(name)} holds characters that no name of entries may hold`
  const isMinified = name.length <= SHORT_NAME || (name.length <= SHORTISH_NAME && MINIFIED.test(source))
  if (!isMinified) return undefined
  return `its own name ${JSON.stringify(name)} looks like one that a minifier gave: the next build may give it to another function, which would then return the results of this one`
}

const MINIFIED = /\)\{|=>\S/
